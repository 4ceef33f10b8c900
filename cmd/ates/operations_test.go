package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/jobs/jobstest"
)

// byFile are the settings of a demo that pays by bank files.
func byFile(database string) []string {
	return append(demo(database), "ATES_PAYOUTS=file", "ATES_PAYOUT_DEBTOR=UberPopug Inc.", "ATES_PAYOUT_IBAN=DE89 3704 0044 0532 0130 00")
}

// TestTheMorningAfter is a day on which all tasks are resolved, and the next morning: the bank file, the mails that
// nobody sends, and the proof that all is well.
func TestTheMorningAfter(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	traces := newCollector(t)
	p := start(t, append(byFile(database), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment=parrots"))
	someTask(t, database, "worker", true)
	manager := signIn(t, p.address, "manager")
	rows, err := pool.Query(t.Context(), "select id::text from tracker.tasks where status = 'open'")
	require.NoError(t, err)
	var tasks []string
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		tasks = append(tasks, id)
	}
	require.NoError(t, rows.Err())
	for _, id := range tasks {
		status, body := manager.post("/tasks/"+id+"/resolve", url.Values{"idempotency_key": {"resolve " + id}})
		require.Equal(t, http.StatusOK, status, body)
	}
	jobstest.Idle(t, pool, 30*time.Second)
	p.end(syscall.SIGTERM)
	traces.requireTraced(t)

	// There is no standby, but what is counted of one is there to be watched.
	p = start(t, append(byFile(database), "ATES_CLOCK_OFFSET=24h", "DATABASE_REPLICA_URL="+database))
	// The clock's next look may be a minute away.
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
	require.NoError(t, err)
	require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
	require.Eventually(t, func() bool { return number(t, pool, "select count(*) from accounting.payout_files") == 1 }, 30*time.Second, 20*time.Millisecond)
	jobstest.Idle(t, pool, 30*time.Second)
	var day string
	require.NoError(t, pool.QueryRow(t.Context(), "select day::text from accounting.payout_files").Scan(&day))

	manager, admin := signIn(t, p.address, "manager"), signIn(t, p.address, "admin")
	status, file := manager.get("/accounting/payouts/" + day + ".xml")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, file, "pain.001.001.09")
	require.Contains(t, file, "<IBAN>DE89370400440532013000</IBAN>")
	require.Equal(t, number(t, pool, "select count(*) from accounting.transfers where kind = 'payout'"), strings.Count(file, "<CdtTrfTxInf>"))
	for _, path := range []string{"/accounting/payouts/1999-01-01.xml", "/accounting/payouts/" + day, "/accounting/payouts/x.xml"} {
		status, _ = manager.get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	var closed string
	require.NoError(t, pool.QueryRow(t.Context(), "select correlation_id::text from log.events where name = 'Day.Closed'").Scan(&closed))
	require.Equal(t, []string{
		"command CloseDay", "entry Payout", "entry Reset", "event Account.BalanceReset", "event Account.PayoutCommitted", "event Day.Closed", "event Day.Ended",
		"job close_next_day", "job commit_payout", "job notify_balances", "job pay_out_day", "job refresh_daily_balances", "job reset_balance", "message In the inbox", "message Mail kept",
	}, slices.Compact(flowOf(t, admin, "/ops/events/"+closed)))

	workers := number(t, pool, "select count(*) from accounting.people where role = 'worker'")
	require.Equal(t, workers, number(t, pool, "select count(*) from accounting.messages where channel = 'mail' and state = 'kept'"))
	_, list := admin.get("/ops/mail")
	require.Equal(t, workers, strings.Count(list, `<a href="/ops/mail/accounting-`))
	_, rest, _ := strings.Cut(list, `<tr id="mail-`)
	id, _, _ := strings.Cut(rest, `"`)
	status, mail := admin.get("/ops/mail/" + id)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, mail, "Earned with tasks: ")
	res, err := admin.client.Get(p.address + "/ops/mail/" + id + "/html")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	for _, path := range []string{"/ops/mail/0", "/ops/mail/tracker-0", "/ops/mail/accounting-0", "/ops/mail/accounting-0/html", "/ops/mail/x", "/ops/mail/x/html", "/ops/mail?before=x"} {
		status, _ = admin.get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	status, _ = admin.post("/ops/verify", url.Values{"idempotency_key": {"verify"}})
	require.Equal(t, http.StatusOK, status)
	require.Eventually(t, func() bool {
		_, ops := admin.get("/ops")
		return strings.Contains(ops, "Everything holds") && strings.Contains(ops, `id="last-closed-day"`) && !strings.Contains(ops, "Something does not hold")
	}, 30*time.Second, 50*time.Millisecond)
	status, scrape := admin.get("/metrics")
	require.Equal(t, http.StatusOK, status)
	requireWatchable(t, scrape)

	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"verify", "--database-url", database}, &out, &errs))
	require.Regexp(t, `ok +all entries sum to zero +[1-9]`, out.String())
	require.NotContains(t, out.String(), "FAILED")

	failsAndIsMended(t, admin, pool)

	// Somebody with the keys to the database takes money out of a wallet.
	_, err = pool.Exec(t.Context(), "update accounting.accounts set balance = balance - 100 where id = (select min(id::text)::uuid from accounting.accounts where kind = 'wallet')")
	require.NoError(t, err)
	out.Reset()
	require.ErrorContains(t, run(t.Context(), []string{"verify", "--json", "--database-url", database}, &out, &errs), "checks failed")
	var printed struct {
		Sound  bool
		Checks []struct {
			Name           string
			Looked, Broken int
			Examples       []string
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.False(t, printed.Sound)
	for _, check := range printed.Checks {
		if check.Name == "a wallet is the sum of its entries" {
			require.Equal(t, 1, check.Broken)
			require.Len(t, check.Examples, 1)
			require.Equal(t, workers, check.Looked)
			return
		}
	}
	t.Fatal("the check is missing")
}
