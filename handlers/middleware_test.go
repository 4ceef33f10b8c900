package handlers

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Thousands of pages are open at a time, each with a stream. It is not parallel: what others allocate would be counted.
func TestAStreamHoldsNothingBackAndTakesLittleMemory(t *testing.T) {
	const streams, most = 40, 64 << 10
	written, release := make(chan struct{}), make(chan struct{})
	site := httptest.NewServer((&Handlers{requests: newRequestMetrics()}).around(http.NotFoundHandler(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, piece := range []string{"event: hello\n", "data: {}\n"} {
			_, err := w.Write([]byte(piece))
			if err == nil {
				err = http.NewResponseController(w).Flush()
			}
			if err != nil {
				t.Error(err)
			}
		}
		written <- struct{}{}
		<-release
	})))
	defer site.Close()
	defer close(release)
	memory := func() uint64 {
		runtime.GC()
		var all runtime.MemStats
		runtime.ReadMemStats(&all)
		return all.HeapAlloc
	}
	before := memory()
	for range streams {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+"/live", nil)
		require.NoError(t, err)
		r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, answer.Body.Close()) })
		require.Empty(t, answer.Header.Get("Content-Encoding"))
		<-written
		lines := bufio.NewReader(answer.Body)
		for _, piece := range []string{"event: hello\n", "data: {}\n"} {
			got, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, piece, got)
		}
	}
	require.Less(t, memory()-before, uint64(streams*most))
}
