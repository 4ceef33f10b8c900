// Charts. Each is drawn from the table in its figure, which stays there for everybody, and drawn again when the table changes.
// The library comes only with the first page that has a chart.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const { lang } = document.documentElement;
const charts = new Map(); // by canvas

let library;
const load = () => (library ??= import("./vendor/chart.umd.min.js").then(() => window.Chart));

// colour is what a token of the style sheet comes to in the scheme at hand.
function colour(element, token) {
  element.style.color = `var(${token})`;
  const value = getComputedStyle(element).color;
  element.style.color = "";
  return value;
}

const rowsOf = (figure) => [...figure.querySelectorAll("tr[data-bar]")];

// What a chart shows; it is drawn anew only when this is another.
const signature = (figure) => rowsOf(figure).map((row) => row.dataset.name + row.textContent).join();

function options(figure) {
  const money = new Intl.NumberFormat(lang, { style: "currency", currency: figure.dataset.currency, currencyDisplay: "narrowSymbol", maximumFractionDigits: 0 });
  const muted = colour(figure, "--muted");
  const line = colour(figure, "--line");
  return {
    animation: still.matches ? false : { duration: 250 },
    maintainAspectRatio: false,
    plugins: {
      legend: { display: false },
      tooltip: {
        displayColors: false,
        callbacks: {
          title: ([{ dataIndex }]) => rowsOf(figure)[dataIndex].cells[0].textContent.trim(),
          label: ({ dataIndex }) => rowsOf(figure)[dataIndex].cells[3].textContent.trim(),
        },
      },
    },
    scales: {
      x: { grid: { display: false }, border: { color: line }, ticks: { color: muted } },
      y: { grid: { color: line }, border: { display: false }, ticks: { color: muted, maxTicksLimit: 6, callback: (value) => money.format(value) } },
    },
    // Anywhere in a bar's column will do: a bar of nothing has no height.
    interaction: { mode: "index", intersect: false },
    onHover: ({ native }, bars) => (native.target.style.cursor = bars.length ? "pointer" : ""),
    onClick: (_, bars) => bars.length && rowsOf(figure)[bars[0].index].querySelector("a").click(),
  };
}

function data(figure) {
  const values = rowsOf(figure).map((row) => Number(row.dataset.bar));
  const [good, bad] = [colour(figure, "--accent"), colour(figure, "--bad")];
  return {
    labels: rowsOf(figure).map((row) => row.dataset.name),
    datasets: [{ data: values, backgroundColor: values.map((value) => (value < 0 ? bad : good)), borderRadius: 3, maxBarThickness: 40 }],
  };
}

function draw(Chart, figure) {
  const canvas = figure.querySelector("canvas");
  const chart = charts.get(canvas);
  const shown = signature(figure);
  if (!chart) {
    Chart.defaults.font.family = getComputedStyle(figure).fontFamily;
    charts.set(canvas, Object.assign(new Chart(canvas, { type: "bar", data: data(figure), options: options(figure) }), { shown }));
  } else if (chart.shown !== shown) {
    Object.assign(chart, { data: data(figure), options: options(figure), shown });
    chart.update();
  }
}

async function drawAll() {
  for (const [canvas, chart] of charts) {
    if (canvas.isConnected) continue;
    chart.destroy();
    charts.delete(canvas);
  }
  if (!document.querySelector("[data-chart]")) return;
  const Chart = await load();
  for (const figure of document.querySelectorAll("[data-chart]")) draw(Chart, figure);
}

function drawAnew() {
  for (const chart of charts.values()) chart.shown = undefined;
  drawAll();
}

drawAll();
document.addEventListener("htmx:after:swap", drawAll);
dark.addEventListener("change", drawAnew);
still.addEventListener("change", drawAnew);
