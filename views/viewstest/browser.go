// Package viewstest opens pages in a real Chromium for the tests of this and of other packages. One browser serves a test
// process; every actor gets a browser context of its own, with its own cookies and its own six connections to a server,
// so that the event streams of many actors do not starve one another.
package viewstest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience is how long a test waits in a browser before it gives up.
const Patience = 30 * time.Second

// Tab is one window of one actor. Its methods fail the test when something is not as they say.
type Tab struct {
	t   testing.TB
	ctx context.Context

	*complaints
}

// complaints are what the browser objected to in a window.
type complaints struct {
	mu sync.Mutex
	// made are all of them, forgiven what it may object to.
	made, forgiven []string
}

// For is the same window for a part of the test it was opened for: that part fails with what goes wrong in it.
func (tab *Tab) For(t testing.TB) *Tab {
	before := len(tab.Complaints())
	t.Cleanup(func() {
		for _, complaint := range tab.Complaints()[before:] {
			t.Errorf("the browser complained: %s", complaint)
		}
	})
	part := *tab
	part.t = t
	return &part
}

// Context is what chromedp wants for what Tab has no method for. It has no deadline.
func (tab *Tab) Context() context.Context { return tab.ctx }

// Main runs the tests of a package, closes the browser after them, and does what else is to be done then. It is for TestMain.
func Main(m *testing.M, after ...func()) {
	code := m.Run()
	for _, do := range after {
		do()
	}
	if shared.close != nil {
		shared.close()
	}
	os.Exit(code)
}

// Browser opens a window for a new actor. It is closed, and what the browser has complained about fails the test, when the test ends.
func Browser(t testing.TB) *Tab {
	t.Helper()
	parent, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	return open(parent, t, chromedp.WithNewBrowserContext())
}

// Another opens a second window of the same actor, who has the same cookies in it.
func (tab *Tab) Another() *Tab {
	tab.t.Helper()
	return open(tab.ctx, tab.t)
}

func open(parent context.Context, t testing.TB, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	tab := &Tab{t: t, ctx: ctx, complaints: &complaints{}}
	if err := chromedp.Do(ctx); err != nil { // opens the window: whatever deadline it had here would close it later
		cancel()
		t.Fatalf("open a window: %v", err)
	}
	tab.listen()
	t.Cleanup(func() {
		cancel()
		for _, complaint := range tab.Complaints() {
			t.Errorf("the browser complained: %s", complaint)
		}
	})
	return tab
}

var shared struct {
	sync.Once
	ctx   context.Context
	close func()
	err   error
}

func browser() (context.Context, error) {
	shared.Do(func() {
		program, err := find()
		if err != nil {
			shared.err = err
			return
		}
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
			chromedp.ExecPath(program),
			chromedp.WindowSize(1280, 900),
			chromedp.Flag("force-color-profile", "srgb"),
			chromedp.Flag("font-render-hinting", "none"),
			// A script of a test runs once or twice: to compile it well takes longer than to run it as it is.
			chromedp.Flag("js-flags", "--max-lazy,--no-maglev,--no-opt"),
		)
		if Proxied() {
			options = append(options, chromedp.Flag("ignore-certificate-errors", true)) // those of the tests' proxy are of no authority
		}
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		shared.ctx, shared.close = ctx, func() { cancel(); stop() }
		shared.err = chromedp.Do(ctx)
	})
	return shared.ctx, shared.err
}

// Proxied reports whether the tests of whole programs are to go by way of a proxy with TLS.
func Proxied() bool { return os.Getenv("ATES_TEST_PROXY") == "1" }

// find returns the path of Chromium, or of something near enough.
func find() (string, error) {
	if program := os.Getenv("ATES_CHROMIUM"); program != "" {
		return program, nil
	}
	for _, name := range []string{
		"chromium-headless-shell", "chrome-headless-shell", "headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		filepath.Join(os.Getenv("ProgramFiles"), `Google\Chrome\Application\chrome.exe`),
		"/snap/bin/chromium",
	} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("there is no Chromium to test pages with: `go run ./cmd/dev test` sets one up, " +
		"or ATES_CHROMIUM names the program")
}
