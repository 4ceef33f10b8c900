package tracker_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
)

func TestANewTaskIsOpenAndWithOneOfTheWorkers(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	people := workers(t, tx, 3)
	learn(t, tx, person(domain.Manager), person(domain.Admin), person(domain.TopManager))
	for _, role := range domain.Roles() {
		by := somebody(role)
		cmd := &tracker.CreateTask{Request: by, Description: "  Clean the cage\r\nand the perch "}
		events, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err, role)

		row := find(t, tx, cmd.TaskID)
		require.Equal(t, cmd.Number, row.Number)
		require.Equal(t, tracker.Open, row.Status)
		require.EqualValues(t, 1, row.Assignment)
		require.Contains(t, []uuid.UUID{people[0].ID, people[1].ID, people[2].ID}, row.Assignee, "only Workers are drawn")
		require.Equal(t, []domain.Event{
			{Subject: cmd.TaskID, Version: 1, Data: tracker.TaskCreated{
				TaskID: cmd.TaskID, Number: cmd.Number, Title: "Clean the cage\nand the perch", CreatedBy: by.By.ID, CreatedAt: tx.Now,
			}},
			{Subject: cmd.TaskID, Version: 2, Data: tracker.TaskAssigned{TaskID: cmd.TaskID, Assignee: row.Assignee, Assignment: 1}},
		}, events)
	}
}

func TestWithoutAnActiveWorkerNothingIsCreated(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	gone := person(domain.Worker)
	gone.Active = false
	learn(t, tx, gone, person(domain.Manager))
	cmd := &tracker.CreateTask{Request: somebody(domain.Manager), Description: "Clean the cage"}
	refuses(t, tx, cmd, domain.Conflict, "task.no_workers")
	require.Zero(t, cmd.TaskID)
	require.Zero(t, cmd.Number)
}

func TestADescriptionOutsideTheLimitsCreatesNothing(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 1)
	for typed, code := range map[string]string{
		" \n":                                "task.description_empty",
		strings.Repeat("x", 1001):            "task.description_too_long",
		strings.Repeat("x", 1000) + "\u200b": "task.description_too_long",
		"a\x00":                              "task.description_unreadable",
	} {
		refuses(t, tx, &tracker.CreateTask{Request: somebody(domain.Worker), Description: typed}, domain.Invalid, code)
	}
}

func TestAJiraIDInFrontIsKeptApart(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 1)
	cmd := &tracker.CreateTask{Request: somebody(domain.Worker), Description: "[popug-42] - Clean the cage"}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	created := events[0].Data.(tracker.TaskCreated)
	require.Equal(t, []string{"POPUG-42", "Clean the cage"}, []string{created.JiraID, created.Title})
	var jiraID, title string
	require.NoError(t, tx.QueryRow(t.Context(), `select jira_id, description from tracker.tasks where id = $1`, cmd.TaskID).Scan(&jiraID, &title))
	require.Equal(t, []string{"POPUG-42", "Clean the cage"}, []string{jiraID, title})

	refuses(t, tx, &tracker.CreateTask{Request: somebody(domain.Worker), Description: "Clean the cage [POPUG-42]"}, domain.Invalid, "task.title_brackets")
}

// The rule and the table must count the same characters.
func TestTheLongestDescriptionIsKeptWhole(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 1)
	for _, character := range []string{"x", "é", "🦜", "\u0301"} {
		longest := strings.Repeat(character, tracker.MaxDescription)
		cmd := &tracker.CreateTask{Request: somebody(domain.Worker), Description: longest}
		_, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err, character)
		var kept string
		require.NoError(t, tx.QueryRow(t.Context(), `select description from tracker.tasks where id = $1`, cmd.TaskID).Scan(&kept))
		require.Equal(t, longest, kept)
	}
}
