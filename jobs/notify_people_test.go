package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// informed is a company whose tracker knows the addresses of Ann and Bob, and whose mails go to a server in the test.
func informed(t *testing.T, server *jobstest.SMTP) *company {
	t.Helper()
	c := newCompanyOf(t, jobs.BusConfig{
		Books: jobstest.Books(), PublicURL: "https://ates.company.example",
		Mail: &jobs.MailServer{Host: "127.0.0.1", Port: server.Port(), From: "ates@company.example", Patience: time.Second},
	}, "2026-03-02T09:00:00Z")
	require.NoError(t, c.bus.Do(t.Context(), tracker.LearnPeople{People: []tracker.Person{
		{ID: c.ann.ID, Name: "Ann Ara", Email: "ann@company.example", Role: domain.Worker, Active: true, Version: 2},
		{ID: c.bob.ID, Name: "Bob Budgie", Email: "bob@company.example", Role: domain.Worker, Active: true, Version: 2},
	}}))
	return c
}

// everybody has both workers active again.
func (c *company) everybody() {
	c.t.Helper()
	_, err := c.pool.Exec(c.t.Context(), "update tracker.people set active = true")
	require.NoError(c.t, err)
}

// told is what somebody was told through a channel: how many notifications of each kind.
func (c *company) told(who domain.Actor, channel string) map[string]int {
	c.t.Helper()
	told := map[string]int{}
	for _, kind := range tracker.NotificationKinds() {
		if n := c.count(fmt.Sprintf("select count(*) from tracker.notifications where person = '%s' and channel = '%s' and kind = '%s'", who.ID, channel, kind)); n > 0 {
			told[kind] = n
		}
	}
	return told
}

func TestADrawIsOneNotificationAWorkerHoweverManyTasks(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := informed(t, server)
	const tasks = 30
	for range tasks {
		c.given(c.ann, 15, 30)
	}
	c.everybody()
	stop := jobstest.Work(t, c.bus)
	c.idle() // what the tasks cost is known
	stop()
	c.moved(c.bob)
	c.everybody()
	// What is done last comes first.
	_, err := c.pool.Exec(t.Context(), "update river.river_job set scheduled_at = now() - id * interval '1 second' where state = 'available'")
	require.NoError(t, err)
	jobstest.Work(t, c.bus)
	c.idle()

	for _, channel := range []string{domain.Inbox, domain.Mail} {
		require.Equal(t, map[string]int{tracker.TaskGiven: tasks, tracker.DrawTold: 1}, c.told(c.ann, channel))
		require.Equal(t, map[string]int{tracker.DrawTold: 1}, c.told(c.bob, channel))
	}
	require.Equal(t, 1, c.count("select count(*) from tracker.notifications where person = '"+c.bob.ID.String()+`' and channel = 'inbox'
		and given_count = 30 and taken_count = 0 and fees = 45000 and cardinality(given) = 20 and state = 'unread'`))
	require.Equal(t, 1, c.count("select count(*) from tracker.notifications where person = '"+c.ann.ID.String()+`' and channel = 'inbox'
		and kind = 'tasks_drawn' and given_count = 0 and taken_count = 30 and fees is null`))
	jobstest.RequireSoundBooks(t, c.pool)

	rows := jobstest.Rows(t, c.pool)["tracker.notifications"]
	require.Positive(t, deliverAgain(t, c.pool, "notify_given", "notify_draw", "send_tracker_mail"))
	c.idle()
	require.Equal(t, rows, jobstest.Rows(t, c.pool)["tracker.notifications"], "nobody is told twice")
}

func TestTheMailOfADrawSaysWhichTasks(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := informed(t, server)
	for range 22 {
		c.given(c.ann, 15, 30)
	}
	c.everybody()
	_, err := c.pool.Exec(t.Context(), "update river.river_job set state = 'completed', finalized_at = now() where kind = 'notify_given'")
	require.NoError(t, err)
	stop := jobstest.Work(t, c.bus)
	c.idle() // what the tasks cost is known
	stop()
	c.moved(c.bob)
	c.everybody()
	jobstest.Work(t, c.bus)
	c.idle()
	require.Len(t, server.Received(), 2)
	mails := map[string]jobstest.Mail{}
	for _, m := range server.Received() {
		mails[m.To] = m
	}
	bob := mails["bob@company.example"]
	require.Equal(t, "A draw gave you 22 tasks", bob.Message.Header.Get("Subject"))
	require.Contains(t, bob.Raw, "and 2 more")
	require.Contains(t, bob.Raw, "Fees: $330.00.")
	require.Contains(t, bob.Raw, "https://ates.company.example/tasks/draws/")
	require.Equal(t, "A draw took 22 tasks from you", mails["ann@company.example"].Message.Header.Get("Subject"))

	require.Positive(t, deliverAgain(t, c.pool, "notify_draw", "send_tracker_mail"))
	c.idle()
	require.Len(t, server.Received(), 2, "nobody is told twice")
}

func TestPeopleAreToldWhatTheyChose(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	c := informed(t, server)
	choose := &tracker.ChooseNotifications{Request: domain.Request{By: c.ann}, Choice: domain.NotificationChoice{
		Off: []string{"task_given/inbox", "task_resolved/mail"}, Language: "ru",
	}}
	require.NoError(t, c.bus.Do(t.Context(), choose))
	first, second := c.given(c.ann, 15, 30), c.given(c.ann, 15, 30)
	c.everybody()
	c.resolved(first)
	require.NoError(t, c.bus.Do(t.Context(), &tracker.ChangeTaskStatus{Request: domain.Request{By: c.ann}, TaskID: second, Status: tracker.Resolved}))
	jobstest.Work(t, c.bus)
	c.idle()
	require.Equal(t, map[string]int{tracker.TaskResolvedByElse: 1}, c.told(c.ann, domain.Inbox), "nobody is told of what they did themselves")
	require.Equal(t, map[string]int{tracker.TaskGiven: 2}, c.told(c.ann, domain.Mail))
	require.Len(t, server.Received(), 2)
	require.Contains(t, server.Received()[0].Raw, "lang=3D\"ru\"")
}

func TestWhoHasLeftIsToldNothingOfTasks(t *testing.T) {
	t.Parallel()
	c := informed(t, jobstest.NewSMTP(t))
	c.given(c.ann, 15, 30)
	c.moved(c.bob) // and Ann is not active any more
	jobstest.Work(t, c.bus)
	c.idle()
	require.Empty(t, c.told(c.ann, domain.Inbox))
	require.Empty(t, c.told(c.ann, domain.Mail))
	require.Equal(t, map[string]int{tracker.DrawTold: 1}, c.told(c.bob, domain.Inbox))
}

// The inbox must not wait for a mail server, nor a mail be lost that could not be sent at once.
func TestTheInboxDoesNotWaitForTheMailServer(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	server.Behave(func(string, string) jobstest.Behaviour { return jobstest.Behaviour{Answer: "421 come back later"} })
	c := informed(t, server)
	c.given(c.ann, 15, 30)
	c.everybody()
	jobstest.Work(t, c.bus)
	require.Eventually(t, func() bool {
		return c.count("select count(*) from tracker.notifications where state = 'unread'") == 1 &&
			c.count("select count(*) from river.river_job where kind = 'send_tracker_mail' and errors is not null") == 1
	}, patience, 20*time.Millisecond)
	require.Equal(t, 1, c.count("select count(*) from tracker.notifications where state = 'waiting'"))
	require.Equal(t, 1, c.count("select count(*) from log.changes where 'notifications/"+c.ann.ID.String()+"' = any(topics)"), "and her pages hear of it")
	server.Behave(nil)
	require.Eventually(t, func() bool {
		c.retryNow()
		return c.count("select count(*) from tracker.notifications where state = 'sent'") == 1
	}, patience, 50*time.Millisecond)
	require.Len(t, server.Received(), 1)
	require.True(t, strings.HasPrefix(server.Received()[0].Message.Header.Get("Subject"), "T-"))
}
