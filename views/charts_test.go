package views

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

const byDay = `Chart.getChart(document.querySelector("#by-day canvas"))`

func TestAChartShowsItsTableAndLeadsToTheRowsBehindIt(t *testing.T) {
	t.Parallel()
	url := storybook(t)
	tab := viewstest.Browser(t)
	tab.Look(viewstest.Look{Width: 1280, Height: 2000, Still: true})
	tab.Open(url + "/story/en/analytics")
	tab.Wait(`window.Chart && ` + byDay + ` !== undefined`)
	require.Equal(t, 30, viewstest.Value[int](tab, `document.querySelectorAll("#by-day tbody tr").length`))
	require.Equal(t, 30, viewstest.Value[int](tab, byDay+`.data.labels.length`))
	require.InDelta(t, -16, viewstest.Value[float64](tab, byDay+`.data.datasets[0].data[1]`), 0, "what the second row says")
	require.False(t, viewstest.Value[bool](tab, byDay+`.options.animation !== false`), "nothing moves for who does not want it")
	light := viewstest.Value[string](tab, byDay+`.data.datasets[0].backgroundColor[6]`)
	require.NotEqual(t, light, viewstest.Value[string](tab, byDay+`.data.datasets[0].backgroundColor[1]`), "below zero has another colour")

	// The colours are those of the scheme, also when it changes.
	tab.Look(viewstest.Look{Width: 1280, Height: 2000, Still: true, Dark: true})
	tab.Wait(byDay + `.data.datasets[0].backgroundColor[6] !== "` + light + `"`)

	// A click on a bar is one on the link of its row.
	viewstest.Value[any](tab, `document.querySelector("#by-day").addEventListener("click", (event) => { if (event.target.matches("a")) { event.preventDefault(); window.went = event.target.getAttribute("href") } }, true)`)
	viewstest.Value[any](tab, `(() => { const chart = `+byDay+`; const { x, y } = chart.getDatasetMeta(0).data[6]; const box = chart.canvas.getBoundingClientRect();
		chart.canvas.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: box.left + x, clientY: box.top + y + 2 })) })()`)
	tab.Wait(`window.went === "/accounting?day=2026-11-7"`)
}

func TestTheChartLibraryComesOnlyWithAChart(t *testing.T) {
	t.Parallel()
	tab := viewstest.Browser(t)
	tab.Open(storybook(t) + "/story/en/audit")
	tab.Wait(`document.querySelector("#live-state").dataset.state === "live"`)
	require.True(t, viewstest.Value[bool](tab, `window.Chart === undefined`))
	require.Equal(t, 0, viewstest.Value[int](tab, `performance.getEntriesByType("resource").filter(({ name }) => name.includes("chart.umd")).length`))
}
