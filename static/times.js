// Times relative to now, and days for what is long ago. The server writes them in full, which stays as the title.

const { lang, dataset } = document.documentElement;
const words = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
// The program's clock may be set differently from the viewer's.
const ahead = dataset.now ? Date.parse(dataset.now) - Date.now() : 0;

// moment writes a time of this machine as one of the program's, in the zone of the business day.
export function moment(time, options) {
  const zone = dataset.zone;
  const format = (more) => new Intl.DateTimeFormat(lang, { ...options, ...more }).format(new Date(time.getTime() + ahead));
  try {
    return format({ timeZone: zone }) + " " + dataset.zoneName;
  } catch { // a zone that the browser does not know
    return format({});
  }
}

const units = [["day", 86_400], ["hour", 3600], ["minute", 60]];
const longAgo = 7 * 86_400;

function relative(seconds) {
  const size = Math.abs(seconds);
  const [unit, length] = units.find(([, length]) => size >= length) ?? ["second", 1];
  return words.format(unit === "second" ? 0 : Math.trunc(seconds / length), unit);
}

function write() {
  for (const time of document.querySelectorAll("time[data-day]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now() - ahead) / 1000;
    const text = Math.abs(seconds) < longAgo ? relative(seconds) : time.dataset.day;
    if (time.textContent !== text) time.textContent = text;
  }
}

write();
setInterval(write, 30_000);
document.addEventListener("htmx:after:swap", write);
