// Live pages. One event stream per page says which topics have changed; the elements that show one of them fetch themselves
// again. The stream's own element stands outside of what navigation exchanges, so it outlives it.
import { moment } from "./times.js";
import { failure } from "./toasts.js";

const note = document.getElementById("stale");
const badge = document.getElementById("live-state");
const stream = () => document.getElementById("live");
const isStream = (element) => element?.id === "live";
// isRefresh tells the request of a live element for itself from all others.
const isRefresh = (ctx) => ctx.sourceEvent?.type === "live" && ctx.sourceElement?.matches?.("[data-live]");

// ---- The state of the stream, as the badge in the header shows it.

const offlineAfter = 20_000;
let down; // since when there has been no stream
let showing; // a state that is about to be shown

function show(state, delay = 0) {
  clearTimeout(showing);
  showing = setTimeout(() => {
    if (badge.dataset.state === state && !badge.hidden) return;
    badge.dataset.state = state;
    badge.querySelector("span").textContent = badge.getAttribute("data-say-" + state);
    badge.hidden = false;
    age(state === "reconnecting" || state === "offline");
  }, delay);
}

// What was shown while there was a stream is of the time when it was last heard of.
let asOf = new Date();

function age(stale) {
  document.body.classList.toggle("aged", stale);
  note.hidden = !stale;
  note.querySelector("span").textContent = note.dataset.say.replace("{time}", moment(asOf, { timeStyle: "short" }));
}

function connected() {
  down = undefined;
  show("live");
  heard();
}

// A stream that comes back at once, as after a look at another tab, is not worth a word.
function disconnected() {
  clearTimeout(watchdog);
  down ??= performance.now();
  if (!navigator.onLine || performance.now() - down > offlineAfter) show("offline");
  else if (badge.hidden || badge.dataset.state !== "offline") show("reconnecting", 1000);
}

// A page whose person signs out on it is on its way already, and going elsewhere would stop that.
let leaving = false;
document.addEventListener("submit", ({ target }) => {
  if (target.getAttribute("action") === "/logout") leaving = true;
});
window.addEventListener("pageshow", () => (leaving = false)); // come back to with the back button

const signIn = () => {
  if (!leaving) location.assign("/login?return_to=" + encodeURIComponent(location.pathname + location.search));
};

// ---- The watchdog: a connection can die without either end being told. The server speaks every 20 seconds.

let watchdog;
let cursor; // how far the stream has told us
// publication is the last that the stream has told us of since something was fetched otherwise, which may be newer: a rendering of after it,
// which other readers share, will do for the elements that fetch themselves again.
let publication;

function heard() {
  asOf = new Date();
  clearTimeout(watchdog);
  watchdog = setTimeout(reopen, Number(stream().dataset.silence) || 45_000);
}

// reopen puts a fresh element in the place of the stream's. Processing the same element again would not do: the old
// connection's loop goes on for as long as its element is on the page, and would connect a second time.
function reopen() {
  if (document.hidden) return;
  disconnected();
  const old = stream();
  const fresh = old.cloneNode();
  const url = new URL(old.getAttribute("hx-sse:connect"), location.href);
  if (cursor) url.searchParams.set("since", cursor);
  fresh.setAttribute("hx-sse:connect", url.pathname + url.search);
  fresh.removeAttribute("data-htmx-powered");
  htmx.swap({ text: fresh.outerHTML, target: old, sourceElement: old, swap: "outerHTML" });
}

if (stream()) {
  document.addEventListener("htmx:sse:after:connection", ({ target }) => isStream(target) && connected());
  document.addEventListener("htmx:sse:before:connection", ({ target, detail }) => {
    if (isStream(target) && detail.connection.attempt > 0) disconnected();
  });
  document.addEventListener("htmx:sse:error", ({ target, detail }) => {
    if (!isStream(target)) return;
    if (detail.status === 401) signIn();
    else disconnected();
  });
  document.addEventListener("htmx:sse:after:message", ({ target, detail: { message } }) => {
    if (!isStream(target)) return;
    if (message.id) cursor = message.id;
    heard();
    if (message.event === "publication") publication = JSON.parse(message.data);
    if (message.event === "change") changed(JSON.parse(message.data));
    if (message.event === "bye") signIn();
  });

  // The extension brings back a stream that has broken, but does not try a first time again.
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const { sourceElement: element, response } = ctx;
    if (!isStream(element) || !element.isConnected) return;
    if (response?.headers.get("content-type")?.includes("event-stream")) return;
    if (response?.status === 401) {
      signIn();
      return;
    }
    disconnected();
    setTimeout(() => element.isConnected && htmx.trigger(element, "live:retry", {}, false), 1000 + Math.random() * 4000);
  });

  // In a hidden tab the extension closes the stream, and opens it again when the tab is looked at.
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(watchdog) : heard()));
  addEventListener("offline", disconnected);
  addEventListener("online", () => badge.dataset.state === "offline" && reopen());
  addEventListener("pageshow", (event) => event.persisted && reopen());
}

// ---- Elements that follow the stream.

// touches reports whether a change of topic matters to an interest. A topic stands for everything below it, and so does an
// interest: "tasks" for every task, "tasks/7" for one. The topic "*" stands for everything.
const touches = (topic, interest) =>
  topic === "*" || topic === interest || topic.startsWith(interest + "/") || interest.startsWith(topic + "/");

const concerns = (topics, element) =>
  element.dataset.live.split(/\s+/).some((interest) => topics.some((topic) => touches(topic, interest)));

const refresh = (element) => htmx.trigger(element, "live", {}, false);

const recent = []; // what has changed in the last minute, and when

function changed(topics) {
  const now = performance.now();
  recent.push({ at: now, topics });
  while (recent[0].at < now - 60_000) recent.shift();
  for (const element of document.querySelectorAll("[data-live]")) {
    if (concerns(topics, element)) refresh(element);
  }
}

// A page that was asked for before a change, and comes after it, may not have it yet, and nobody would tell it again. It may
// have been asked for when the mouse went down on a link, up to five seconds before the click.
const preloaded = 5000;

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  ctx.began = performance.now();
  if (isRefresh(ctx)) {
    // It may have waited behind a search that has changed the filter. It asks for what is shown now.
    ctx.request.action = ctx.sourceElement.getAttribute("hx-get");
    ctx.request.headers["Live-Publication"] = publication ?? "none";
  }
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.began === undefined || isRefresh(ctx) || !ctx.target?.isConnected) return;
  publication = undefined;
  const missed = recent.filter(({ at }) => at > ctx.began - preloaded).flatMap(({ topics }) => topics);
  const elements = [ctx.target, ...ctx.target.querySelectorAll("[data-live]")];
  for (const element of elements) {
    if (element.matches("[data-live]") && concerns(missed, element)) refresh(element);
  }
});

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (!isRefresh(ctx)) return;
  const element = ctx.sourceElement;
  if (ctx.request.action !== element.getAttribute("hx-get")) {
    event.preventDefault();
    refresh(element);
    return;
  }
  ctx.rows = new Map(rowsOf(element).map((row) => [row.id, signature(row)]));
});

// ---- Rows that have changed light up for a moment.

const rowsOf = (element) => [...element.querySelectorAll("[data-row]")];

// signature is what a row says. How long ago a time was does not count: it changes by itself.
function signature(row) {
  const copy = row.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
  return copy.textContent;
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isRefresh(ctx) || !ctx.rows) return;
  for (const row of rowsOf(ctx.sourceElement)) {
    if (ctx.rows.get(row.id) === signature(row)) continue;
    row.classList.add("changed");
    setTimeout(() => row.classList.remove("changed"), 2400);
  }
});

// ---- Requests that came to nothing. Those of the stream and of live elements are the badge's business.

const silent = (ctx) => !ctx || isStream(ctx.sourceElement) || isRefresh(ctx);

// A refresh that came to nothing is tried again, less and less often: nobody tells of the same change a second time.
const tries = new WeakMap();

function again(element) {
  const n = tries.get(element) ?? 0;
  tries.set(element, n + 1);
  setTimeout(() => {
    if (!element.isConnected || tries.get(element) !== n + 1) return;
    if (navigator.onLine) refresh(element);
    else again(element);
  }, Math.min(1000 * 2 ** n, 30_000) * (0.5 + Math.random() / 2));
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => isRefresh(ctx) && ctx.response.status < 400 && tries.delete(ctx.sourceElement));
addEventListener("online", () => {
  for (const element of document.querySelectorAll("[data-live]")) {
    if (tries.delete(element)) refresh(element);
  }
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && isRefresh(ctx)) again(ctx.sourceElement);
  else if (!silent(ctx)) failure("network", ctx);
});
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (isRefresh(ctx) && (ctx.response.status === 429 || ctx.response.status >= 500)) again(ctx.sourceElement);
  if (!silent(ctx) && ctx.response.status >= 500 && ctx.sourceElement.matches("[data-filter]")) failure("server", ctx);
});
