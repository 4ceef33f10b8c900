package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
	"ates/views"
)

// fillBoard puts tasks on the board, the number of each one more than that of the one before. Every seventh has no prices yet, every
// third is resolved. A Jira id may stand in front of the words, parted from them by " # ".
func fillBoard(t *testing.T, pool *pgxpool.Pool, descriptions ...string) {
	t.Helper()
	q := dbsqlc.New(pool)
	worker, start := uuid.New(), time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	var rows dbsqlc.ApplyToBoardParams
	for i, description := range descriptions {
		n, task := i+1, uuid.New()
		jiraID, title, ok := strings.Cut(description, " # ")
		if !ok {
			jiraID, title = "", description
		}
		rows.Tasks, rows.Numbers = append(rows.Tasks, task), append(rows.Numbers, int64(n))
		rows.JiraIds, rows.Descriptions, rows.CreatedBy = append(rows.JiraIds, jiraID), append(rows.Descriptions, title), append(rows.CreatedBy, worker)
		rows.CreatedAt = append(rows.CreatedAt, start.Add(time.Duration(n)*time.Minute))
		rows.Versions, rows.Assignees = append(rows.Versions, 2), append(rows.Assignees, worker)
		rows.Statuses = append(rows.Statuses, map[bool]string{true: "resolved", false: "open"}[n%3 == 0])
		rows.Assignments = append(rows.Assignments, 1)
		rows.Since = append(rows.Since, start.Add(time.Duration(n*37%101)*time.Hour))
		fee, reward := int64(1000+n*13%11*100), int64(2000+n*17%21*100)
		if n%7 == 0 {
			fee, reward = 0, 0
		}
		rows.Fees, rows.Rewards = append(rows.Fees, fee), append(rows.Rewards, reward)
	}
	require.NoError(t, q.ApplyToBoard(t.Context(), rows))
	require.NoError(t, q.ApplyWordsToBoard(t.Context(), dbsqlc.ApplyWordsToBoardParams{Tasks: rows.Tasks, JiraIds: rows.JiraIds, Descriptions: rows.Descriptions}))
}

func boardOf(pool *pgxpool.Pool) *Handlers { return &Handlers{pool: pool, queries: dbsqlc.New(pool)} }

// walk reads a list page by page, forwards and then back, and returns the numbers in the order of both.
func walk(t *testing.T, h *Handlers, query url.Values) (there, back []int64) {
	t.Helper()
	numbers := func(page taskPage) (numbers []int64) {
		for _, row := range page.rows {
			numbers = append(numbers, row.Number)
		}
		return numbers
	}
	for {
		filter, err := readTaskFilter(query)
		require.NoError(t, err)
		page, err := h.listTasks(t.Context(), filter)
		require.NoError(t, err)
		there = append(there, numbers(page)...)
		if !page.further {
			last := page.rows[len(page.rows)-1]
			back = numbers(page)
			query.Set("before", rank{page.rows[0].Rank, page.rows[0].Number}.String())
			require.Equal(t, last.Number, there[len(there)-1])
			query.Del("after")
			break
		}
		last := page.rows[len(page.rows)-1]
		query.Set("after", rank{last.Rank, last.Number}.String())
	}
	for {
		filter, err := readTaskFilter(query)
		require.NoError(t, err)
		page, err := h.listTasks(t.Context(), filter)
		require.NoError(t, err)
		back = append(numbers(page), back...)
		if !page.earlier {
			return there, back
		}
		query.Set("before", rank{page.rows[0].Rank, page.rows[0].Number}.String())
	}
}

func TestEveryOrderHasEveryTaskOnceAndThoseWithoutPricesLast(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	descriptions := make([]string, 123)
	for i := range descriptions {
		descriptions[i] = fmt.Sprintf("Task %d", i+1)
	}
	fillBoard(t, pool, descriptions...)
	for sort, order := range map[views.TaskSort]string{
		views.SortNewest: "number desc", views.SortOldest: "number", views.SortFee: "fee desc nulls last, number desc",
		views.SortReward: "reward desc nulls last, number desc", views.SortChanged: "since desc, number desc",
	} {
		rows, err := pool.Query(t.Context(), "select number from tracker.board where status = 'open' order by "+order)
		require.NoError(t, err)
		var want []int64
		for rows.Next() {
			var n int64
			require.NoError(t, rows.Scan(&n))
			want = append(want, n)
		}
		require.NoError(t, rows.Err())
		require.Len(t, want, 82)
		there, back := walk(t, boardOf(pool), url.Values{"sort": {string(sort)}, "status": {"open"}})
		require.Equal(t, want, there, "%q", sort)
		require.Equal(t, want, back, "%q, and back again", sort)
	}
}

func TestTasksAreFoundByTheirNumberAndByTheBeginningsOfTheirWords(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	fillBoard(t, pool, "Fix the login.Then rest", "Полировать ЗЕРКАЛО в кабинете", "under_score & 100% cotton", "Naïve cafés", "'quoted':* | !x", "POPUG-42 # Mend a nest", "NEST_8-9 # Peck")
	h := boardOf(pool)
	for q, want := range map[string][]int64{
		"": {7, 6, 5, 4, 3, 2, 1}, "then": {1}, "LOG": {1}, "ogin": nil, "rest fix": {1}, "зерк пол": {2}, "score": {3}, "100%": {3}, "cafés": {4},
		"x": {5}, "'quoted':*": {5}, "|": nil, "%": nil, "T-4": {4}, "t-4": {4}, "2": {2}, "fix:* | x": nil, "login\x00then\xff": {1}, "nothing": nil,
		"POPUG-42": {6}, "popug-4": {6}, "[popug-42]": {6}, "nest popug": {6}, "nest_8-9": {7}, "42": {6}, "T-6": {6},
	} {
		filter, err := readTaskFilter(url.Values{"q": {q}})
		require.NoError(t, err)
		common := filter // as it would be looked for if it fitted many
		require.NoError(t, h.find(t.Context(), &filter))
		for name, f := range map[string]taskFilter{"few": filter, "many": common} {
			page, err := h.listTasks(t.Context(), f)
			require.NoError(t, err)
			var found []int64
			for _, row := range page.rows {
				found = append(found, row.Number)
			}
			require.Equal(t, want, found, "%q as one of %s", q, name)
			count, err := dbsqlc.New(pool).CountMatches(t.Context(), dbsqlc.CountMatchesParams{Search: f.search, Named: f.named, Tasks: f.tasks, Most: 100})
			require.NoError(t, err)
			require.EqualValues(t, len(want), count, "%q as one of %s", q, name)
		}
	}
}

func TestMatchesAreCountedUpToALimit(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	fillBoard(t, pool, slices.Repeat([]string{"Peck"}, matchesCounted+2)...)
	h := boardOf(pool)
	for q, want := range map[string]int{"peck": matchesCounted, "T-7": 1} {
		filter, err := readTaskFilter(url.Values{"q": {q}})
		require.NoError(t, err)
		require.NoError(t, h.find(t.Context(), &filter))
		page, err := h.listTasks(t.Context(), filter)
		require.NoError(t, err)
		n, more, err := h.countMatches(t.Context(), filter, page)
		require.NoError(t, err)
		require.Equal(t, want, n)
		require.Equal(t, want == matchesCounted, more)
	}
}
