package jobs_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// correspondents is a company whose workers Ann and Bob have addresses, and whose mails go to a server in the test.
func correspondents(t *testing.T, server *jobstest.SMTP) *company {
	t.Helper()
	var mail *jobs.MailServer
	if server != nil {
		mail = &jobs.MailServer{Host: "127.0.0.1", Port: server.Port(), From: "aTES <ates@company.example>", Patience: time.Second}
	}
	c := newCompanyOf(t, jobs.BusConfig{Books: booksIn(t, "America/New_York"), Mail: mail}, "2026-03-02T09:00:00Z")
	require.NoError(t, c.bus.Do(t.Context(), accounting.LearnPeople{People: []accounting.Person{
		{ID: c.ann.ID, Name: "Ann Ara", Email: "ann@company.example", Role: domain.Worker, Active: true, Version: 1},
		{ID: c.bob.ID, Name: "Bob Budgie", Email: "bob@company.example", Role: domain.Worker, Active: true, Version: 1},
	}}))
	return c
}

// dayOver lets Bob earn 15, Ann owe 20, and the day end.
func (c *company) dayOver() {
	c.t.Helper()
	c.sweep()
	c.resolved(c.given(c.bob, 15, 30))
	c.given(c.ann, 20, 20)
	jobstest.Work(c.t, c.bus)
	c.idle()
	c.clock.set("2026-03-03T05:01:00Z")
	c.sweep()
}

// states is how many balance mails are in each state.
func (c *company) states() map[string]int {
	c.t.Helper()
	rows, err := c.pool.Query(c.t.Context(), "select state, count(*) from accounting.messages where channel = 'mail' group by state")
	require.NoError(c.t, err)
	defer rows.Close()
	states := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		require.NoError(c.t, rows.Scan(&state, &n))
		states[state] = n
	}
	require.NoError(c.t, rows.Err())
	return states
}

func (c *company) requireStates(want map[string]int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		c.t.Helper()
		states := c.states()
		for state, n := range want {
			if states[state] != n {
				return false
			}
		}
		return true
	}, 30*time.Second, 20*time.Millisecond, "%v", want)
}

// retryNow lets jobs that wait for their next attempt have it at once.
func (c *company) retryNow() {
	c.t.Helper()
	_, err := c.pool.Exec(c.t.Context(), "update river.river_job set scheduled_at = now(), state = 'available' where state = 'retryable'")
	require.NoError(c.t, err)
}

func TestEveryWorkerGetsOneMailADay(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := correspondents(t, server)
	c.dayOver()
	c.idle()
	require.Equal(t, map[string]int{"sent": 2}, c.states())
	mails := map[string]jobstest.Mail{}
	for _, m := range server.Received() {
		mails[m.To] = m
	}
	require.Len(t, mails, 2)
	bob := mails["bob@company.example"]
	require.Equal(t, "Mar 2, 2026: $15.00 paid out", bob.Message.Header.Get("Subject"))
	require.Equal(t, `"Bob Budgie" <bob@company.example>`, bob.Message.Header.Get("To"))
	require.Equal(t, `"aTES" <ates@company.example>`, bob.Message.Header.Get("From"))
	require.Contains(t, bob.Raw, "text/plain")
	require.Contains(t, bob.Raw, "text/html")
	require.Contains(t, bob.Raw, "Earned with tasks: +$30.00")
	require.Equal(t, "Mar 2, 2026: $20.00 below zero", mails["ann@company.example"].Message.Header.Get("Subject"))

	// The events told once more, as a repeated job does.
	require.Positive(t, deliverAgain(t, c.pool, "notify_balances", "send_mail"))
	c.idle()
	require.Len(t, server.Received(), 2, "nobody is told twice")

	// A day on which nothing happened.
	c.clock.set("2026-03-04T05:01:00Z")
	c.sweep()
	c.idle()
	require.Len(t, server.Received(), 4)
	require.Contains(t, server.Received()[3].Raw+server.Received()[2].Raw, "nothing to pay out")
}

func TestADeactivatedWorkerIsPaidAndTold(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := correspondents(t, server)
	c.sweep()
	c.resolved(c.given(c.bob, 15, 30))
	jobstest.Work(t, c.bus)
	c.idle()
	require.NoError(t, c.bus.Do(t.Context(), accounting.LearnPeople{People: []accounting.Person{
		{ID: c.bob.ID, Name: "Bob Budgie", Email: "bob@company.example", Role: domain.Worker, Version: 2}, // not active
		{ID: c.ann.ID, Name: "Ann Ara", Role: domain.Worker, Active: true, Version: 2},                    // without an address
	}}))
	c.clock.set("2026-03-03T05:01:00Z")
	c.sweep()
	c.idle()
	require.Equal(t, map[string]int{"sent": 1, "kept": 1}, c.states())
	require.Equal(t, "bob@company.example", server.Received()[0].To)

	c.clock.set("2026-03-04T05:01:00Z")
	c.sweep()
	c.idle()
	require.Len(t, server.Received(), 1, "who is gone is told nothing of days on which nothing happened")
}

func TestWithoutAMailServerMailsAreKept(t *testing.T) {
	t.Parallel()
	c := correspondents(t, nil)
	c.dayOver()
	c.idle()
	require.Equal(t, map[string]int{"kept": 2}, c.states())
	require.Zero(t, c.count("select count(*) from river.river_job where kind = 'send_mail'"))
}

func TestAMailServerThatRefusesIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, behave := range map[string]func(command, argument string) jobstest.Behaviour{
		"all":        func(string, string) jobstest.Behaviour { return jobstest.Behaviour{Answer: "421 come back later"} },
		"recipients": refuse("RCPT", "450 busy"),
		"senders":    refuse("MAIL", "550 who are you"),
		"mails":      refuse("END", "452 disk full"),
		"by hanging up": func(command, _ string) jobstest.Behaviour {
			return jobstest.Behaviour{Hang: command == "DATA"}
		},
		"by being slow": func(command, _ string) jobstest.Behaviour {
			if command == "RCPT" {
				return jobstest.Behaviour{After: 1500 * time.Millisecond}
			}
			return jobstest.Behaviour{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := jobstest.NewSMTP(t)
			server.Behave(behave)
			c := correspondents(t, server)
			c.dayOver()
			c.requireStates(map[string]int{"waiting": 2})
			require.Eventually(t, func() bool {
				return c.count("select count(*) from river.river_job where kind = 'send_mail' and errors is not null") > 0
			}, 30*time.Second, 20*time.Millisecond)
			require.Empty(t, server.Received())
			require.Equal(t, 15.0, c.paid(c.bob), "nothing else waits for the mail server")

			server.Behave(nil)
			c.retryNow()
			c.requireStates(map[string]int{"sent": 2})
			require.Len(t, server.Received(), 2)
		})
	}
}

// refuse answers one command with other words.
func refuse(which, answer string) func(command, argument string) jobstest.Behaviour {
	return func(command, _ string) jobstest.Behaviour {
		if command == which {
			return jobstest.Behaviour{Answer: answer}
		}
		return jobstest.Behaviour{}
	}
}

// paid is what somebody was paid in all, in whole units.
func (c *company) paid(worker domain.Actor) (dollars float64) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.t.Context(), "select coalesce(sum(amount), 0) / 100.0 from accounting.transfers where kind = 'payout' and wallet = $1", worker.ID).Scan(&dollars))
	return dollars
}

func TestAnAddressThatIsRefusedForGoodHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	server.Behave(func(command, argument string) jobstest.Behaviour {
		if command == "RCPT" && strings.Contains(argument, "ann@") {
			return jobstest.Behaviour{Answer: "550 no such user"}
		}
		return jobstest.Behaviour{}
	})
	c := correspondents(t, server)
	c.dayOver()
	c.idle()
	require.Equal(t, map[string]int{"sent": 1, "refused": 1}, c.states())
	require.Equal(t, 1, c.count("select count(*) from accounting.messages where error like '%no such user%'"))
}

// A server that takes a mail and is gone before it says so, or a process killed at that moment: nobody can know, so nobody tries again.
func TestAMailThatMayHaveBeenTakenIsNotSentAgain(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	server.Behave(func(command, argument string) jobstest.Behaviour {
		if command == "END" && strings.Contains(argument, "ann@") {
			return jobstest.Behaviour{Hang: true, Take: true}
		}
		return jobstest.Behaviour{}
	})
	c := correspondents(t, server)
	c.dayOver()
	unclear := "select count(*) from accounting.messages where error like '%may have taken it%'" // which the admin is told
	require.Eventually(t, func() bool { c.retryNow(); return c.states()["sent"] == 1 && c.count(unclear) == 1 }, patience, 50*time.Millisecond)
	server.Behave(nil)
	c.idle()
	require.Equal(t, map[string]int{"sent": 1, "sending": 1}, c.states())
	require.Len(t, server.Received(), 2, "each once")
	require.Equal(t, 1, c.count(unclear))
}

func TestAMailThatAKilledProcessWasSendingIsLeftAlone(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	server.Behave(refuse("HELLO", "421 come back later"))
	c := correspondents(t, server)
	c.dayOver()
	c.requireStates(map[string]int{"waiting": 2})
	_, err := c.pool.Exec(t.Context(), "update accounting.messages set state = 'sending' where channel = 'mail' and person = $1", c.ann.ID)
	require.NoError(t, err)
	server.Behave(nil)
	require.Eventually(t, func() bool { c.retryNow(); return c.states()["sent"] == 1 }, 30*time.Second, 50*time.Millisecond)
	c.idle()
	require.Equal(t, map[string]int{"sent": 1, "sending": 1}, c.states())
	require.Len(t, server.Received(), 1)
}

func TestADeadMailServerHoldsUpNothing(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := correspondents(t, server)
	server.Stop()
	c.dayOver()
	require.Eventually(t, func() bool {
		return c.count("select count(*) from river.river_job where kind = 'send_mail' and errors[1]->>'error' like '%reach the mail server%'") == 2
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, map[string]int{"waiting": 2}, c.states())
	jobstest.RequireSoundBooks(t, c.pool)
}

func TestAMailCanBeAddressedToWhateverSomebodyIsCalled(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]string{
		"Ann Lorikeet": "Ann Lorikeet", `Ann "Parrot" Lorikeet`: `Ann "Parrot" Lorikeet`, "Анна, с хвостом": "Анна, с хвостом",
		`back\slash`: "back/slash", "\\ё": "/ё", "<a@b>": "<a@b>", "(comment)": "(comment)", "=?utf-8?q?x?=": "=?utf-8?q?x?=",
	} {
		to, err := jobs.Addressee(name, "ann@popug.example")
		require.NoError(t, err)
		header, err := mail.ParseAddress(to.String())
		require.NoError(t, err, to.String())
		require.Equal(t, mail.Address{Name: read, Address: "ann@popug.example"}, *header)
	}
	_, err := jobs.Addressee("Ann", "no address")
	require.Error(t, err)
}
