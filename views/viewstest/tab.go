package viewstest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Do runs steps, one after the other, within Patience.
func (tab *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("in the browser: %v\n%s", err, tab.state())
	}
}

// find does one step with an element. A live page may exchange the element between its being found and the step; then it is
// found anew.
func (tab *Tab) find(step chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, step)
		if err == nil {
			return
		}
		if gone := strings.Contains(err.Error(), "(-32000)"); !gone || ctx.Err() != nil {
			tab.t.Fatalf("in the browser: %v\n%s", err, tab.state())
		}
	}
}

// Open goes to a page and waits until it has loaded.
func (tab *Tab) Open(url string) {
	tab.t.Helper()
	tab.Do(chromedp.Navigate(url))
}

// SetCookies gives the window's actor cookies of a site, which scripts cannot read.
func (tab *Tab) SetCookies(site string, cookies []*http.Cookie) {
	tab.t.Helper()
	hidden, secure := true, strings.HasPrefix(site, "https:")
	for _, c := range cookies {
		_, err := chromedp.Call(tab.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: site, HTTPOnly: &hidden, Secure: &secure, SameSite: network.CookieSameSiteLax})
		if err != nil {
			tab.t.Fatalf("set a cookie: %v", err)
		}
	}
}

// Click clicks the first element that matches the CSS selector, once it is visible. What a live page puts above it meanwhile moves it away
// from under the pointer; then it is clicked where it is now.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	for begun := time.Now(); time.Since(begun) < Patience; {
		tab.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`window.missed = false;
			document.addEventListener("click", event => { window.missed = !event.target.closest(%q) }, { capture: true, once: true })`, selector)))
		tab.find(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
		ctx, cancel := context.WithTimeout(tab.ctx, Patience)
		missed, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("window.missed === true"))
		cancel()
		if err != nil || !missed { // a page that is being left does not answer, and was left by the click
			return
		}
	}
	tab.t.Fatalf("%s moves away from every click\n%s", selector, tab.state())
}

// Type types text into the first element that matches the CSS selector, once it is visible.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.find(chromedp.Focus(chromedp.CSS(selector), chromedp.NodeVisible))
	tab.Press(text)
}

// Press presses keys on whatever has the focus: those that write the text, and those that package kb names.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, key := range keys {
			events := kb.Encode(key)
			down, up := *events[0], *events[len(events)-1]
			if len(events) == 3 {
				// As one event, so that a page that prevents what the key does prevents the text too, as with a real keyboard.
				down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
			}
			for _, event := range []input.DispatchKeyEventParams{down, up} {
				if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, event); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// Text returns the text that people see in the first element that matches the CSS selector, once there is one.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	tab.Wait(element)
	return Value[string](tab, element+`?.innerText ?? ""`)
}

// asked is how long a page itself waits for what a test waits for, before it is asked anew.
const asked = time.Second

// Wait waits until the JavaScript expression is true. The page asks itself, every 20 ms: to be asked from outside as often costs it and
// the test more than all else that they do.
func (tab *Tab) Wait(expression string) {
	tab.t.Helper()
	ask := fmt.Sprintf(`new Promise((answer, fail) => {
		const until = performance.now() + %d, ask = () => {
			try {
				const yes = !!(%s)
				yes || performance.now() > until ? answer(yes) : setTimeout(ask, 20)
			} catch (error) {
				performance.now() > until ? fail(error) : setTimeout(ask, 20)
			}
		}
		ask()
	})`, asked.Milliseconds(), expression)
	// The page may be left while it is being asked, which is an error of that moment only, or be put to sleep, and not answer.
	deadline := time.Now().Add(Patience)
	for {
		ctx, cancel := context.WithTimeout(tab.ctx, 2*asked)
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](ask, chromedp.EvalAwaitPromise))
		cancel()
		if yes {
			return
		}
		if time.Now().After(deadline) {
			tab.t.Fatalf("it did not become true that %s (%v)\n%s", expression, err, tab.state())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// WaitText waits until the first element that matches the CSS selector shows the text somewhere.
func (tab *Tab) WaitText(selector, text string) {
	tab.t.Helper()
	tab.Wait(fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", selector, text))
}

// Value returns the value of a JavaScript expression; a promise is waited for.
func Value[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("evaluate %.200s: %v\n%s", expression, err, tab.state())
	}
	return value
}

// Look is a way to look at a page.
type Look struct {
	Width, Height int64
	Dark          bool
	// Still asks for reduced motion, Print shows the page as it is printed.
	Still, Print bool
}

// Look sets the size of the window and what the viewer prefers.
func (tab *Tab) Look(look Look) {
	tab.t.Helper()
	scheme, motion := "light", "no-preference"
	if look.Dark {
		scheme = "dark"
	}
	if look.Still {
		motion = "reduce"
	}
	medium := ""
	if look.Print {
		medium = "print"
	}
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium,
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: motion},
		},
	})
	if err != nil {
		tab.t.Fatalf("emulate media: %v", err)
	}
	tab.Do(chromedp.EmulateViewport(look.Width, look.Height))
}

// Offline takes the network away from the window, or gives it back.
func (tab *Tab) Offline(offline bool) {
	tab.t.Helper()
	const unlimited = -1
	_, err := chromedp.Call(tab.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{
			{Offline: offline, DownloadThroughput: unlimited, UploadThroughput: unlimited},
		},
	})
	if err == nil { // what navigator.onLine says, and the events that go with it
		_, err = chromedp.Call(tab.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: offline, DownloadThroughput: unlimited, UploadThroughput: unlimited,
		})
	}
	if err != nil {
		tab.t.Fatalf("emulate the network: %v", err)
	}
}

//go:embed testdata/axe.min.js
var axe string

// Examining has every page that the window opens from now on come with axe-core: for a window in which most pages are examined, because to
// send all of it to a page that is there takes about as long as to examine one.
func (tab *Tab) Examining() {
	tab.t.Helper()
	if _, err := chromedp.Call(tab.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: axe}); err != nil {
		tab.t.Fatalf("have pages come with axe: %v", err)
	}
}

// Accessible fails the test with whatever axe-core finds against WCAG 2.2 AA and its own best practices in the whole page, or in
// the elements that the CSS selector names.
func (tab *Tab) Accessible(within ...string) {
	tab.t.Helper()
	if !Value[bool](tab, "'axe' in window") {
		tab.Do(chromedp.Evaluate[chromedp.Void](axe))
	}
	where := "document"
	if len(within) > 0 {
		where = fmt.Sprintf("%q", strings.Join(within, ", "))
	}
	// Only what is wrong is worked out in full, and style sheets are not fetched again, which only rules about media want.
	found := Value[json.RawMessage](tab, `axe.run(`+where+`, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
		resultTypes: ['violations'], preload: false,
	}).then(result => result.violations.map(violation => ({
		rule: violation.id, help: violation.help,
		at: violation.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary),
	})))`)
	var violations []struct {
		Rule, Help string
		At         []string
	}
	if err := json.Unmarshal(found, &violations); err != nil {
		tab.t.Fatalf("read what axe found: %v", err)
	}
	for _, v := range violations {
		tab.t.Errorf("axe: %s (%s) at\n  %s", v.Help, v.Rule, strings.Join(v.At, "\n  "))
	}
}

// FitsSideways fails the test when the page can be scrolled sideways.
func (tab *Tab) FitsSideways() {
	tab.t.Helper()
	wide := Value[[]string](tab, `document.documentElement.scrollWidth <= innerWidth ? [] :
		[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.slice(0, 5).map(e => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right))`)
	if len(wide) > 0 {
		tab.t.Errorf("the page is wider than the window: %s", strings.Join(wide, ", "))
	}
}

// Screenshot writes a picture of the whole page to .screenshots/<name>.png at the root of the repository when ATES_SCREENSHOTS
// is 1, for people to look at.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	if os.Getenv("ATES_SCREENSHOTS") != "1" {
		return
	}
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tab.t.Fatalf("take a picture: %v", err)
	}
	dir := filepath.Join(root(tab.t), ".screenshots")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tab.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		tab.t.Fatal(err)
	}
}

// Forgive lets the browser object to what the test brings about: complaints that contain the text do not fail it.
func (tab *Tab) Forgive(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.forgiven = append(tab.forgiven, text)
}

// Complaints returns what the browser has objected to so far and was not forgiven for: errors and warnings on the console,
// uncaught exceptions, violations of the content security policy.
func (tab *Tab) Complaints() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tab.made), func(complaint string) bool {
		return slices.ContainsFunc(tab.forgiven, func(text string) bool { return strings.Contains(complaint, text) })
	})
}

func (tab *Tab) complain(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.made = append(tab.made, text)
}

func (tab *Tab) listen() {
	tab.t.Helper()
	err := chromedp.Listen(tab.ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventConsoleAPICalled:
			if event.Type == runtime.ConsoleAPICalledTypeError || event.Type == runtime.ConsoleAPICalledTypeWarning {
				var words []string
				for _, arg := range event.Args {
					words = append(words, strings.Trim(string(arg.Value), `"`)+arg.Description)
				}
				// htmx says so itself when a stream is cut, as at the end of many tests; as with other requests that is for the test to judge.
				if text := strings.Join(words, " "); !strings.HasPrefix(text, "htmx: htmx:sse:error") {
					tab.complain("console: " + text)
				}
			}
		case *runtime.EventExceptionThrown:
			details := event.ExceptionDetails
			tab.complain("exception: " + details.Text + " " + details.Exception.Description)
		case *log.EventEntryAdded:
			// A refused request is for the test to judge; the browser logs each as an error, also those a page expects.
			if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
				tab.complain("log: " + event.Entry.Text)
			}
		}
	})
	if err != nil {
		tab.t.Fatalf("listen to the browser: %v", err)
	}
}

// state describes the page to whoever reads why a test failed.
func (tab *Tab) state() string {
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body?.innerText"))
	if err != nil {
		return "and the page does not answer: " + err.Error()
	}
	return fmt.Sprintf("The page was %.2000s\nand the browser had complained: %q", text, tab.Complaints())
}

// root is the folder of go.mod.
func root(t interface{ Fatal(args ...any) }) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above this folder")
		}
	}
}
