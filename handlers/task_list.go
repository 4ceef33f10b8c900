package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// matchesCounted is how many tasks that fit a filter are counted; beyond it is only said that there are more.
const matchesCounted = 1000

// taskFilter is the filter, the order and the place in a list of tasks.
type taskFilter struct {
	status   string
	assignee *uuid.UUID
	// search is for to_tsquery, named the number that may have been searched for. Where they are few, tasks are all that fit it.
	search string
	named  *int64
	tasks  []uuid.UUID
	sort   views.TaskSort
	// from is where the page begins, nil at the beginning; back means that it ends there.
	from *rank
	back bool
	// rows is how many tasks are wanted, as many as a page has when it is 0.
	rows int
}

// rank is a place in a list of tasks: what the task there is sorted by, and its number.
type rank struct{ by, number int64 }

func (r rank) String() string {
	return strconv.FormatInt(r.by, 10) + "." + strconv.FormatInt(r.number, 10)
}

func parseRank(s string) (r rank, err error) {
	by, number, _ := strings.Cut(s, ".")
	if r.by, err = strconv.ParseInt(by, 10, 64); err == nil {
		r.number, err = strconv.ParseInt(number, 10, 64)
	}
	return r, err
}

// readTaskFilter reads the address of a list. What makes no sense in it is refused rather than left out, since a filter that
// silently does nothing shows wrong rows.
func readTaskFilter(query url.Values) (filter taskFilter, err error) {
	refused := func(field string) error {
		return &domain.Refusal{Kind: domain.Invalid, Code: "board.filter", Field: field,
			Message: "The address of this list cannot be read. Go to the board and filter it again."}
	}
	filter.status = query.Get("status")
	if !slices.Contains([]string{"", tracker.Open, tracker.Resolved}, filter.status) {
		return filter, refused("status")
	}
	if s := query.Get("assignee"); s != "" {
		id, err := uuid.Parse(s)
		if err != nil {
			return filter, refused("assignee")
		}
		filter.assignee = &id
	}
	filter.sort = views.TaskSort(query.Get("sort"))
	if !slices.Contains(views.TaskSorts(), filter.sort) {
		return filter, refused("sort")
	}
	for _, name := range []string{"after", "before"} {
		if s := query.Get(name); s != "" {
			from, err := parseRank(s)
			if err != nil {
				return filter, refused(name)
			}
			filter.from, filter.back = &from, name == "before"
		}
	}
	filter.search, filter.named = wordsSearched(query.Get("q"))
	return filter, nil
}

// wordsSearched is what somebody searches for as a tsquery, all of whose words must be there, or words that begin so; and the
// number of a task, if it is one. Punctuation alone is a search that finds nothing.
func wordsSearched(q string) (search string, named *int64) {
	q = strings.TrimSpace(q)
	if number, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(q), "T-"), 10, 64); err == nil {
		named = &number
	}
	words := strings.FieldsFunc(q, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	if len(words) > wordsOfSearch {
		words = words[:wordsOfSearch]
	}
	for i, word := range words {
		words[i] = word + ":*"
	}
	if search = strings.Join(words, " & "); search == "" && q != "" {
		search = " "
	}
	return search, named
}

// find looks up what is searched for, if anything is. What few tasks fit is found by them; among many that fit the first of a list
// are soon met.
func (h *Handlers) find(ctx context.Context, f *taskFilter) (err error) {
	if f.search == "" {
		return nil
	}
	found, err := dbsqlc.New(planned{h.pool}).FindByWords(ctx, dbsqlc.FindByWordsParams{Search: f.search, Named: f.named, Most: fewTasks + 1})
	if err != nil {
		return fmt.Errorf("find tasks by words: %w", err)
	}
	if len(found) <= fewTasks {
		f.search, f.named, f.tasks = "", nil, found
	}
	return nil
}

// fewTasks is how many tasks are few: more than are counted.
const fewTasks = 5000

// wordsOfSearch is how many words of a search count.
const wordsOfSearch = 12

// planned has each statement planned for the values it comes with. A plan for any values could not use the indexes of the board,
// as which of them serves depends on the filter.
type planned struct{ *pgxpool.Pool }

func (p planned) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return p.Pool.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

func (p planned) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return p.Pool.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

// taskPage is a page of a list of tasks, and how the list goes on before and after it.
type taskPage struct {
	rows             []dbsqlc.ListBoardDownRow
	earlier, further bool
}

// listTasks reads a page of the tasks that fit a filter.
func (h *Handlers) listTasks(ctx context.Context, f taskFilter) (page taskPage, err error) {
	wanted := cmp.Or(f.rows, rowsOfPage)
	params := dbsqlc.ListBoardDownParams{
		Sort: string(f.sort), Status: f.status, Assignee: f.assignee, Search: f.search, Named: f.named, Tasks: f.tasks,
		// One row more than the page has tells whether there is another page.
		Rows: int32(wanted) + 1,
	}
	if f.from != nil {
		params.Rank, params.Number = &f.from.by, &f.from.number
	}
	q := dbsqlc.New(planned{h.pool})
	if up := (f.sort == views.SortOldest) != f.back; !up {
		page.rows, err = q.ListBoardDown(ctx, params)
	} else {
		var rows []dbsqlc.ListBoardUpRow
		rows, err = q.ListBoardUp(ctx, dbsqlc.ListBoardUpParams(params))
		for _, row := range rows {
			page.rows = append(page.rows, dbsqlc.ListBoardDownRow(row))
		}
	}
	if err != nil {
		return page, fmt.Errorf("list tasks: %w", err)
	}
	more := len(page.rows) > wanted
	if more {
		page.rows = page.rows[:wanted]
	}
	page.earlier, page.further = f.from != nil, more
	if f.back {
		slices.Reverse(page.rows)
		page.earlier, page.further = more, true
	}
	return page, nil
}

// pages are the addresses of the first page, unless this is it, and of those before and after it, where there are any.
func (t taskPage) pages(path string, query url.Values) (pages views.TaskPages) {
	if query.Get("after") != "" || query.Get("before") != "" {
		pages.First = address(path, query, "after", "", "before", "")
	}
	if len(t.rows) == 0 {
		return pages
	}
	place := func(row dbsqlc.ListBoardDownRow) string { return rank{row.Rank, row.Number}.String() }
	if t.earlier {
		pages.Previous = address(path, query, "after", "", "before", place(t.rows[0]))
	}
	if t.further {
		pages.Next = address(path, query, "before", "", "after", place(t.rows[len(t.rows)-1]))
	}
	return pages
}

// countMatches counts the tasks that fit a filter, of which a page has been read, up to matchesCounted; more tells that there
// are more than those.
func (h *Handlers) countMatches(ctx context.Context, f taskFilter, page taskPage) (n int, more bool, err error) {
	if f.from == nil && !page.further {
		return len(page.rows), false, nil
	}
	if f.search != "" && f.status == "" && f.assignee == nil { // else they would be few
		return matchesCounted, true, nil
	}
	count, err := dbsqlc.New(planned{h.pool}).CountMatches(ctx, dbsqlc.CountMatchesParams{
		Status: f.status, Assignee: f.assignee, Search: f.search, Named: f.named, Tasks: f.tasks, Most: matchesCounted + 1,
	})
	if err != nil {
		return 0, false, fmt.Errorf("count tasks: %w", err)
	}
	return min(int(count), matchesCounted), count > matchesCounted, nil
}

// taskRow is a task as a list shows it to the person on the page.
func (p page) taskRow(row dbsqlc.ListBoardDownRow) views.TaskRow {
	return views.TaskRow{
		ID: row.Task.String(), Number: int(row.Number), Status: row.Status, JiraID: row.JiraID, Description: row.Description,
		Assignee: views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}, Prices: prices(row.Fee, row.Reward), Since: row.CreatedAt,
		Resolve: p.resolveForm(row.Task, row.Status, row.Assignee, row.Assignment),
	}
}
