package views

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/views/viewstest"
)

// A flow that has still to do something looks again by itself, until it is done; nobody is asked while nobody looks.
func TestAFlowFollowsItsJobsUntilTheyAreDone(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	const address = "/ops/events/1"
	looks := func() (n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, request := range o.requests {
			if request == "GET "+address+" flow" {
				n++
			}
		}
		return n
	}
	open := flowOfDraw()
	done := flowOfTask()
	open.Address, done.Address = address, address
	o.answers["GET "+address] = func(w http.ResponseWriter, r *http.Request) {
		p, d := page(domain.Admin).at(address), open
		p.Cursor = "0"
		if looks() == 2 {
			d = done
		}
		o.render(w, r, http.StatusOK, Flow(p, d))
	}
	tab := visit(t, o, address)
	tab.Wait("document.querySelector('#flow-state').textContent.includes('Done')")
	require.Equal(t, 2, looks())
	require.Equal(t, "0", viewstest.Value[string](tab, "document.querySelector('#flow').dataset.every"))

	tab.Do(chromedp.Focus(chromedp.CSS("svg.flow a:last-of-type")))
	tab.Press("\r")
	tab.Wait("location.hash.startsWith('#step-') && document.querySelector('tr:target') !== null")
	require.Equal(t, 2, looks(), "what is done is not asked for again")
}

func TestElapsed(t *testing.T) {
	t.Parallel()
	russian := WithLocale(t.Context(), Locale{Language: "ru"})
	for d, want := range map[time.Duration][2]string{
		0:                              {"<1 ms", "<1 мс"},
		38 * time.Millisecond:          {"38 ms", "38 мс"},
		1249 * time.Millisecond:        {"1.24 s", "1,24 с"},
		41900 * time.Millisecond:       {"41 s", "41 с"},
		3*time.Minute + 5*time.Second:  {"3 min 5 s", "3 мин 5 с"},
		2 * time.Hour:                  {"2 h", "2 ч"},
		75 * time.Hour:                 {"3 d 3 h", "3 д 3 ч"},
		999*time.Millisecond + 999_999: {"999 ms", "999 мс"},
	} {
		require.Equal(t, want[0], strings.ReplaceAll(Elapsed(t.Context(), d), nbsp, " "))
		require.Equal(t, want[1], strings.ReplaceAll(Elapsed(russian, d), nbsp, " "))
	}
}

// TestAPictureLeavesOutWhatHasNoRoom draws more steps after one another than the picture is wide.
func TestAPictureLeavesOutWhatHasNoRoom(t *testing.T) {
	t.Parallel()
	d := flowOfDays()
	p := draw(d.Steps)
	require.Equal(t, len(d.Steps), len(p.boxes)+p.leftOut)
	require.Positive(t, p.leftOut)
	taken := map[[2]int]bool{}
	for _, b := range p.boxes {
		require.False(t, taken[[2]int{b.x, b.y}], "no box hides another")
		taken[[2]int{b.x, b.y}] = true
		require.LessOrEqual(t, b.x+boxWidth, p.width)
		require.LessOrEqual(t, b.y+boxHeight, p.height)
	}
}

func TestTheVerdictNamesWhatIsTheMatter(t *testing.T) {
	t.Parallel()
	well := allWell()
	require.Empty(t, well.troubles(t.Context(), now))
	for name, spoil := range map[string]func(*OperationsData){
		"not sound":               func(d *OperationsData) { d.Sound = false },
		"given up":                func(d *OperationsData) { d.Queues = []QueueRow{{Name: "money", Dead: 1}} },
		"have failed":             func(d *OperationsData) { d.Queues = []QueueRow{{Name: "money", Failing: 2}} },
		"of the queue money wait": func(d *OperationsData) { d.Queues = []QueueRow{{Name: "money", Waiting: 1, Lag: 2 * time.Minute}} },
		"is not closed":           func(d *OperationsData) { d.NextEnds = now.Add(-2 * time.Hour) },
		"verify them now":         func(d *OperationsData) { d.VerifiedAt = now.Add(-48 * time.Hour) },
	} {
		d := well
		spoil(&d)
		found := d.troubles(t.Context(), now)
		require.Len(t, found, 1, name)
		require.Contains(t, found[0].text, name)
	}
}
