package views

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain/tracker"
)

func unread(p Page, count int) Page {
	p.Unread = UnreadCount{Count: count, Newest: "1"}
	return p
}

func notified(number int, description string, fee int64) tracker.NotifiedTask {
	task := tracker.NotifiedTask{ID: uuid.NameSpaceOID, Number: number, Description: description, Fee: new(fee), Reward: new(2 * fee)}
	if number%2 == 1 {
		task.JiraID = "POPUG-" + strconv.Itoa(number)
	}
	return task
}

// drawTold is a draw that gave many tasks, of which two are named, and took one.
func drawTold() tracker.Notification {
	return tracker.Notification{
		ID: 3, Kind: tracker.DrawTold, Name: "Ann <Lorikeet>", ByName: "Max Macaw", Draw: uuid.NameSpaceURL, Given: 1204, Taken: 1, Fees: new(int64(1806000)),
		GivenTasks: []tracker.NotifiedTask{notified(41, "Polish the mirror in the meeting room", 1500), notified(42, strings.Repeat("Teach the new colleagues to say “deploy”, ", 4), 1200)},
		TakenTasks: []tracker.NotifiedTask{notified(38, "Replace the perch", 1000)},
	}
}

func inbox() NotificationsData {
	draw, given := TaskNews(drawTold()), TaskNews{Kind: tracker.TaskGiven, Name: "Ann", ByName: "Max Macaw", Task: notified(43, strings.Repeat("Find out why the seed dispenser counts twice, ", 6), 1500)}
	resolved := TaskNews{Kind: tracker.TaskResolvedByElse, Name: "Ann", ByName: "Ada Kakapo", Task: notified(40, "Count the sunflower seeds", 1200)}
	took := TaskNews{Kind: tracker.DrawTold, Taken: 1, TakenTasks: drawTold().TakenTasks, Draw: uuid.NameSpaceURL}
	yesterday := now.Add(-24 * time.Hour)
	return NotificationsData{
		Address: "/notifications", Unread: 3, Until: "1", Key: "k", Worker: true, Older: "/notifications?before=x",
		Days: []NotificationDay{
			{Day: now, Rows: []NotificationRow{
				{ID: "tracker-5", Unread: true, At: now.Add(-20 * time.Second), Task: &draw},
				{ID: "tracker-4", Unread: true, At: now.Add(-time.Hour), Task: &given},
				{ID: "tracker-3", At: now.Add(-2 * time.Hour), Task: &resolved},
			}},
			{Day: yesterday, Rows: []NotificationRow{
				{ID: "accounting-2", Unread: true, At: yesterday, Balance: &BalanceMailData{Day: yesterday, Carried: -2000}, BalanceHref: "/balance"},
				{ID: "accounting-1", At: yesterday.Add(-time.Hour), Balance: &BalanceMailData{Day: yesterday, Paid: 245050}},
				{ID: "tracker-1", At: yesterday.Add(-2 * time.Hour), Task: &took},
			}},
		},
	}
}

func notificationKinds(message string) NotificationPreferencesData {
	return NotificationPreferencesData{
		Key: "k", SeenTracker: "1", SeenAccounting: "0", Language: "ru", Message: message,
		Kinds: []NotificationKind{
			{Name: tracker.TaskGiven, Inbox: true, Mail: true}, {Name: tracker.DrawTold, Inbox: true}, {Name: tracker.TaskResolvedByElse},
			{Name: "daily_balance", Inbox: true, MailAlways: true},
		},
	}
}

func TestADrawIsToldInOneSentence(t *testing.T) {
	t.Parallel()
	russian := WithLocale(t.Context(), Locale{Language: "ru"})
	for want, n := range map[string]TaskNews{
		"A draw gave you 1 task":                            {Kind: tracker.DrawTold, Given: 1},
		"A draw took 3 tasks from you":                      {Kind: tracker.DrawTold, Taken: 3},
		"A draw: 2 tasks given to you and 1 taken from you": {Kind: tracker.DrawTold, Given: 2, Taken: 1},
	} {
		require.Equal(t, want, n.Headline(t.Context()))
	}
	require.Equal(t, "Розыгрыш: вам достались 2 задачи и 5 у вас забрали", TaskNews{Kind: tracker.DrawTold, Given: 2, Taken: 5}.Headline(russian))
	require.Equal(t, "Розыгрыш забрал у вас 21 задачу", TaskNews{Kind: tracker.DrawTold, Taken: 21}.Headline(russian))
}

func TestAMailNamesTheTasksOfADraw(t *testing.T) {
	t.Parallel()
	letter := TaskNews(drawTold()).Letter(t.Context(), "https://ates.company.example")
	require.Equal(t, "A draw: 1,204 tasks given to you and 1 taken from you", letter.Subject)
	text := letter.Text()
	for _, part := range []string{
		"Hello Ann <Lorikeet>,\n", "- T-41 POPUG-41 · Polish the mirror in the meeting room ($15.00)\n", "and 1,202 more\n", "Taken from you: 1 task\n",
		"Max Macaw had all open tasks drawn anew. Fees: $18,060.00.\n", "See it: https://ates.company.example/tasks/draws/" + uuid.NameSpaceURL.String(),
		"https://ates.company.example/notifications/preferences",
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, TaskNews(drawTold()).Letter(t.Context(), "").Text(), "http", "no links where nobody said how the program is reached")
}
