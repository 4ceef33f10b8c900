package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// visitor is somebody with a session who looks at pages and sends forms.
type visitor struct {
	address string
	client  *http.Client
	// still does not follow where an answer leads.
	still *http.Client
}

// signInAt signs somebody in at an address, as the form on the page does: with a login and a password, or as a person of the demo.
func signInAt(ctx context.Context, address string, who url.Values) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make a visitor: %w", err)
	}
	v := &visitor{address: address, client: &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true}}}
	still := *v.client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.still = &still
	page, err := v.get(ctx, "/login", http.StatusOK)
	if err != nil {
		return nil, err
	}
	form, found := hiddenIn(page.text, "/auth/login")
	if !found {
		return nil, errors.New("there is no form to sign in")
	}
	for name, values := range who {
		form[name] = values
	}
	if page, err = v.send(ctx, v.client, "/auth/login", form, http.StatusOK); err != nil {
		return nil, fmt.Errorf("sign in as %v: %w", who, err)
	}
	if !strings.Contains(page.text, `id="live"`) {
		return nil, fmt.Errorf("%v were not let in", who)
	}
	return v, nil
}

// demoPerson enters as a person of the demo.
func demoPerson(login string) url.Values { return url.Values{"demo": {login}} }

// answered is what a visitor got, and how long it took from the request to the last byte.
type answered struct {
	status, bytes int
	took          time.Duration
	text          string
}

// get asks for a page and fails on another status than the one expected.
func (v *visitor) get(ctx context.Context, path string, expected int) (answered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address+path, nil)
	if err != nil {
		return answered{}, fmt.Errorf("ask for %s: %w", path, err)
	}
	return v.do(v.client, req, expected)
}

// fragment asks for a part of a page, as an open page does when it hears of a change, which it says was of a publication. Where that is
// empty it asks as for a filter, for a rendering of its own.
func (v *visitor) fragment(ctx context.Context, path, id, publication string) (answered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address+path, nil)
	if err != nil {
		return answered{}, fmt.Errorf("ask for a part of %s: %w", path, err)
	}
	req.Header.Set("HX-Request", "true")
	req.Header.Set("HX-Request-Type", "partial")
	req.Header.Set("HX-Target", "div#"+id)
	if publication != "" {
		req.Header.Set("Live-Publication", publication)
	}
	return v.do(v.client, req, http.StatusOK)
}

// post sends a form whose command is done, and does not follow where the answer leads.
func (v *visitor) post(ctx context.Context, path string, form url.Values) (answered, error) {
	return v.send(ctx, v.still, path, form, http.StatusSeeOther)
}

func (v *visitor) send(ctx context.Context, client *http.Client, path string, form url.Values, expected int) (answered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answered{}, fmt.Errorf("send a form to %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(client, req, expected)
}

func (v *visitor) do(client *http.Client, req *http.Request, expected int) (got answered, err error) {
	req.Header.Set("Accept-Encoding", "gzip")
	begun := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return got, fmt.Errorf("ask for %s: %w", req.URL.Path, err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	got = answered{status: res.StatusCode, bytes: len(content), took: time.Since(begun), text: string(content)}
	if res.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(strings.NewReader(got.text))
		if err != nil {
			return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
		}
		if content, err = io.ReadAll(plain); err != nil {
			return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
		}
		got.text = string(content)
	}
	if got.status != expected {
		return got, fmt.Errorf("%s answered %d, not %d", req.URL.Path, got.status, expected)
	}
	return got, nil
}
