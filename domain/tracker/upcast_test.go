package tracker_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

// A program of before goes on beside this one, and puts descriptions into the board as it always has. They come out as this one would
// have put them there, and stay so when it does.
func TestDescriptionsOfBeforeAreTakenApartByWhoeverShowsThem(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	q := dbsqlc.New(tx)
	shown := func(task uuid.UUID) (words [2]string) {
		t.Helper()
		require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(jira_id, ''), description from tracker.board where task = $1`, task).Scan(&words[0], &words[1]))
		return words
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := tx.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	for description, want := range map[string][2]string{
		"Clean the cage":              {"", "Clean the cage"},
		"[POPUG-42] - Clean the cage": {"POPUG-42", "Clean the cage"},
		"[NEST_2-7] - Почистить\nклетку [срочно]":    {"NEST_2-7", "Почистить\nклетку [срочно]"},
		"[POPUG-42] - [POPUG-43] - Clean the cage":   {"POPUG-42", "[POPUG-43] - Clean the cage"},
		"[POPUG-42] - [POPUG-42] - Clean the cage":   {"POPUG-42", "[POPUG-42] - Clean the cage"},
		"[POPUG-42] -  Clean the cage":               {"POPUG-42", " Clean the cage"},
		"[POPUG-42] -":                               {"", "[POPUG-42] -"},
		"[POPUG-42]- Clean the cage":                 {"", "[POPUG-42]- Clean the cage"},
		"[popug-42] - Clean the cage":                {"", "[popug-42] - Clean the cage"},
		"[P-42] - Clean the cage":                    {"", "[P-42] - Clean the cage"},
		"[POPUG-042] - Clean the cage":               {"", "[POPUG-042] - Clean the cage"},
		"Clean the cage [urgent]":                    {"", "Clean the cage [urgent]"},
		"Before\n[POPUG-42] - Clean the cage":        {"", "Before\n[POPUG-42] - Clean the cage"},
		"[POPUG-12345678901] - Clean the cage":       {"", "[POPUG-12345678901] - Clean the cage"},
		"[ABCDEFGHIJKLMNOPQRSTU-1] - Clean the cage": {"", "[ABCDEFGHIJKLMNOPQRSTU-1] - Clean the cage"},
	} {
		task, at := uuid.New(), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		v1, err := json.Marshal(map[string]any{"task_id": task, "number": 7, "description": description, "created_by": task, "created_at": at})
		require.NoError(t, err)
		require.NoError(t, tracker.Contract().CheckRead("Task.Created", 1, v1))
		told, err := tracker.Upcast("Task.Created", 1, v1)
		require.NoError(t, err)
		created := told.(tracker.TaskCreated)
		require.Equal(t, tracker.TaskCreated{TaskID: task, Number: 7, JiraID: want[0], Title: want[1], CreatedBy: task, CreatedAt: at}, created)
		if created.JiraID != "" {
			require.Equal(t, description, "["+created.JiraID+"] - "+created.Title, "together they are what was told")
		}

		// What a program of before does with the event, whichever of its words and its state comes first, once and again.
		words := func() {
			exec(`insert into tracker.board as b (task, number, description, created_by, created_at) values ($1, 7, $2, $1, $3)
				on conflict (task) do update set number = excluded.number, description = excluded.description`, task, description, at)
		}
		state := func(version int64) {
			require.NoError(t, q.ApplyToBoard(t.Context(), dbsqlc.ApplyToBoardParams{
				Tasks: []uuid.UUID{task}, Versions: []int64{version}, Statuses: []string{tracker.Open}, Assignees: []uuid.UUID{task}, Assignments: []int32{1}, Since: []time.Time{at},
			}))
		}
		words()
		state(2)
		require.Equal(t, want, shown(task), "words first")
		words()
		require.Equal(t, want, shown(task), "again")
		today := dbsqlc.ApplyToBoardParams{
			Tasks: []uuid.UUID{task}, Numbers: []int64{7}, JiraIds: []string{created.JiraID}, Descriptions: []string{created.Title}, CreatedBy: []uuid.UUID{task}, CreatedAt: []time.Time{at},
		}
		require.NoError(t, q.ApplyToBoard(t.Context(), today))
		state(3)
		require.Equal(t, want, shown(task), "by this program")
		words()
		require.Equal(t, want, shown(task), "and by the other one after it")
		exec(`delete from tracker.board where task = $1`, task)
		state(2)
		words()
		require.Equal(t, want, shown(task), "words last")
		exec(`delete from tracker.board where task = $1`, task)
		state(2)
		require.NoError(t, q.ApplyToBoard(t.Context(), today))
		require.Equal(t, want, shown(task), "words last, by this program")

		exec(`insert into accounting.tasks (id, unit, fee, reward, priced_at) values ($1, 100, 1000, 2000, $2)`, task, at)
		exec(`update accounting.tasks set number = 7, description = $2 where id = $1`, task, description)
		var booked [2]string
		require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(jira_id, ''), description from accounting.tasks where id = $1`, task).Scan(&booked[0], &booked[1]))
		require.Equal(t, want, booked)
	}
}

func TestAVersionFromTheFutureIsNotRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Task.Created", "Task.Assigned", "Task.Resolved", "Tasks.Drawn", "Task.Reopened"} {
		_, err := tracker.Upcast(name, 99, []byte(`{}`))
		require.ErrorIs(t, err, domain.ErrUnknownEvent)
	}
}
