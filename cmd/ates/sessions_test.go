package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sessionID = regexp.MustCompile(`id="session-([0-9a-f-]{36})"`)

func TestSigningOutElsewhereAndEverywhere_ASVS_3_3(t *testing.T) {
	t.Parallel()
	p := start(t, demo(demoCompany.URL(t)))
	desk, phone, other := signIn(t, p.address, "worker"), signIn(t, p.address, "worker"), signIn(t, p.address, "worker-2")
	_, page := desk.get("/sessions")
	require.Len(t, sessionID.FindAllString(page, -1), 2, "one's own sessions, and nobody else's")
	require.Equal(t, 1, strings.Count(page, "this one"))
	_, theirs := other.get("/sessions")
	foreign := sessionID.FindStringSubmatch(theirs)[1]

	status, _ := desk.post("/sessions/end", url.Values{"idempotency_key": {"1"}, "session": {foreign}})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = desk.post("/sessions/end", url.Values{"idempotency_key": {"2"}, "session": {"some"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	_, theirs = other.get("/sessions")
	require.Contains(t, theirs, foreign, "it goes on")

	events := phone.stream("0")
	await(t, events, "hello")
	begun := time.Now()
	_, page = desk.post("/sessions/end", url.Values{"idempotency_key": {"3"}, "session": {"others"}})
	require.Contains(t, page, "Signed out of 1 session.")
	require.Len(t, sessionID.FindAllString(page, -1), 1)
	await(t, events, "bye")
	t.Logf("the other browser's stream ended %v after the click", time.Since(begun).Round(time.Millisecond))
	_, page = phone.get("/balance")
	require.Contains(t, page, `name="password"`, "nor does the provider let it in without a question")

	_, page = desk.post("/sessions/end", url.Values{"idempotency_key": {"4"}, "session": {"all"}})
	require.Contains(t, page, `name="password"`)
	_, page = desk.get("/tasks")
	require.Contains(t, page, `name="password"`)
	_, theirs = other.get("/sessions")
	require.Contains(t, theirs, foreign)
}
