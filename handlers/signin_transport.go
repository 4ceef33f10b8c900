package handlers

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// inProcess answers requests for the embedded provider straight from its handler, and sends all others over the network.
// So signing in works before anything listens, and where the public URL cannot be reached from inside.
type inProcess struct {
	origin  *url.URL
	handler http.Handler
}

// RoundTrip answers one request.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.origin.Scheme || r.URL.Host != t.origin.Host {
		return http.DefaultTransport.RoundTrip(r)
	}
	in := r.Clone(unrouted(r.Context()))
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := &inProcessAnswer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(out, in)
	if err := in.Body.Close(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", out.status, http.StatusText(out.status)),
		StatusCode:    out.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        out.header,
		Body:          io.NopCloser(&out.body),
		ContentLength: int64(out.body.Len()),
		Request:       r,
	}, nil
}

type inProcessAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *inProcessAnswer) Header() http.Header         { return a.header }
func (a *inProcessAnswer) WriteHeader(status int)      { a.status = status }
func (a *inProcessAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }
