package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// drawsPath is the list of draws, and what their own addresses begin with.
const drawsPath = "/tasks/draws"

// confirmAssign asks before all open tasks are drawn anew.
func (h *Handlers) confirmAssign(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showAssign(w, r, p, http.StatusOK, views.AssignData{}, nil)
}

// showAssign shows what a draw would do now, and, where there is something that was seen before, what has changed since.
func (h *Handlers) showAssign(w http.ResponseWriter, r *http.Request, p page, status int, data views.AssignData, before *tracker.Prospect) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	row, err := h.queries.FindProspect(ctx)
	if err != nil {
		return fmt.Errorf("look at what there is to draw: %w", err)
	}
	fees, err := h.queries.FeesOfOpenTasks(ctx)
	if err != nil {
		return fmt.Errorf("sum the fees of open tasks: %w", err)
	}
	now := tracker.ProspectOf(row)
	if before != nil {
		if data.Changes, err = h.changesSince(ctx, *before, now); err != nil {
			return err
		}
		now.Warned = true
	}
	data.Key, data.Seen = p.Key, writeSeen(now)
	data.Open, data.Workers = now.Open, now.Workers
	data.Fees, data.Expected, data.Unpriced = fees.Fees, fees.Fees, max(0, now.Open-int(fees.Priced))
	if now.Workers > 0 {
		data.Expected -= fees.FeesWithWorkers / int64(now.Workers)
	}
	data.Last = lastDraw(row)
	return h.show(w, r, status, views.Assign(p.Page, data))
}

// lastDraw is the last draw, nil before the first.
func lastDraw(row dbsqlc.FindProspectRow) *views.DrawRow {
	if row.Draw == nil || row.DrawnAt == nil || row.Reassigned == nil {
		return nil
	}
	last := &views.DrawRow{ID: row.Draw.String(), By: somebody(row.DrawnBy, row.DrawnByName), At: *row.DrawnAt, Reassigned: int(*row.Reassigned)}
	if row.Kept != nil {
		last.Whole, last.Kept = true, int(*row.Kept)
	}
	return last
}

func somebody(id *uuid.UUID, name string) views.Person {
	if id == nil {
		return views.Person{}
	}
	return views.Person{ID: id.String(), Name: name}
}

// changesSince is what is different now from what was seen before.
func (h *Handlers) changesSince(ctx context.Context, before, now tracker.Prospect) (views.AssignChanges, error) {
	created, err := h.queries.CountTasksAfter(ctx, before.LastTask)
	if err != nil {
		return views.AssignChanges{}, fmt.Errorf("count new tasks: %w", err)
	}
	changes := views.AssignChanges{
		Drawn:   before.LastDraw != now.LastDraw,
		Created: int(created), Resolved: max(0, before.Open+int(created)-now.Open),
	}
	if before.Workers != now.Workers {
		changes.WorkersBefore = before.Workers
	}
	return changes, nil
}

// writeSeen is a prospect as a form sends it along.
func writeSeen(p tracker.Prospect) string {
	return fmt.Sprintf("%d/%d/%d/%s/%t", p.Open, p.Workers, p.LastTask, p.LastDraw, p.Warned)
}

// readSeen is the prospect that a form was shown with; nil for who sends none.
func readSeen(form url.Values) (*tracker.Prospect, error) {
	text := form.Get("seen")
	if text == "" {
		return nil, nil //nolint:nilnil // nothing seen is an answer here
	}
	var p tracker.Prospect
	parts := strings.Split(text, "/")
	faults := []error{nil, nil, nil, nil, nil}
	if len(parts) == len(faults) {
		p.Open, faults[0] = strconv.Atoi(parts[0])
		p.Workers, faults[1] = strconv.Atoi(parts[1])
		p.LastTask, faults[2] = strconv.ParseInt(parts[2], 10, 64)
		p.LastDraw, faults[3] = uuid.Parse(parts[3])
		p.Warned, faults[4] = strconv.ParseBool(parts[4])
	}
	if len(parts) != len(faults) || errors.Join(faults...) != nil || p.Open < 0 || p.Workers < 0 || p.LastTask < 0 {
		return nil, &domain.Refusal{Kind: domain.Invalid, Code: "request.form_unreadable",
			Message: "This form cannot be read. Open the page again and send it once more."}
	}
	return &p, nil
}

// assignTasks draws, and goes to the page that tells what comes of it.
func (h *Handlers) assignTasks(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	seen, err := readSeen(r.PostForm)
	if err != nil {
		return err
	}
	assign := &tracker.AssignTasks{Request: p.by(r), Seen: seen}
	err = h.commands.Do(r.Context(), assign)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Conflict {
		return h.showAssign(w, r, p, http.StatusConflict, views.AssignData{Message: translate(r.Context(), refusal)}, seen)
	}
	if err != nil {
		return err
	}
	if assign.DrawID == uuid.Nil {
		return h.flashAndGo(w, r, "/tasks", views.Flash{Kind: views.FlashNote, Text: views.T(r.Context(), "assign.no_tasks")})
	}
	h.awaitDraw(r.Context(), assign.DrawID)
	return h.flashAndGo(w, r, drawsPath+"/"+assign.DrawID.String(), views.Flash{
		Kind: views.FlashDone,
		Text: views.N(r.Context(), "flash.reassigned", assign.Reassigned) + " " + views.N(r.Context(), "flash.kept", assign.Kept),
		Href: "/tasks", LinkText: views.T(r.Context(), "flash.see_board"),
	})
}

// smallDraw is how many tasks a draw may move to be waited for: those of few jobs.
const smallDraw = 500

// awaitDraw waits, for a moment at most, until a draw can be looked at: a small one with all that it moved.
func (h *Handlers) awaitDraw(ctx context.Context, draw uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		shown, err := h.queries.DrawProgress(ctx, draw)
		switch {
		case err == nil && (shown.Moved == shown.Reassigned || shown.Reassigned > smallDraw):
			return
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// errDrawsAddress refuses an address that makes no sense.
func errDrawsAddress(field string) error {
	return &domain.Refusal{Kind: domain.Invalid, Code: "draws.filter", Field: field,
		Message: "The address of this list cannot be read. Go to the draws again."}
}

// readID is an id in a query; nil where there is none.
func readID(query url.Values, field string) (*uuid.UUID, error) {
	s := query.Get(field)
	if s == "" {
		return nil, nil //nolint:nilnil // no id is an answer here
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return nil, errDrawsAddress(field)
	}
	return &id, nil
}

// draws shows the draws, a page of them.
func (h *Handlers) draws(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	before, err := readID(query, "before")
	if err != nil {
		return err
	}
	rows, err := h.queries.ListDraws(r.Context(), dbsqlc.ListDrawsParams{Before: before, Rows: rowsOfPage + 1})
	if err != nil {
		return fmt.Errorf("list draws: %w", err)
	}
	data := views.DrawsData{Address: address(drawsPath, query), MayAssign: tracker.MayAssign(p.Person.Actor())}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Next = address(drawsPath, query, "before", rows[rowsOfPage-1].Command.String())
	}
	if before != nil {
		data.First = drawsPath
	}
	for _, row := range rows {
		data.Draws = append(data.Draws, drawRow(dbsqlc.FindDrawRow{
			ID: row.ID, DrawnBy: row.DrawnBy, DrawnByName: row.DrawnByName, DrawnAt: row.DrawnAt, Open: row.Open, Workers: row.Workers,
			Reassigned: row.Reassigned, Kept: row.Kept, Moved: row.Moved, Priced: row.Priced, Fees: row.Fees,
		}))
	}
	return h.show(w, r, http.StatusOK, views.Draws(p.Page, data))
}

// drawRow is a draw as it is shown. Of one that did not tell of itself only what it moved is known.
func drawRow(row dbsqlc.FindDrawRow) views.DrawRow {
	d := views.DrawRow{
		ID: row.ID.String(), By: somebody(row.DrawnBy, row.DrawnByName), At: row.DrawnAt,
		Reassigned: int(row.Moved), Fees: row.Fees, Unpriced: int(row.Moved - row.Priced),
	}
	if row.Open != nil && row.Workers != nil && row.Reassigned != nil && row.Kept != nil {
		d.Whole = true
		d.Open, d.Workers, d.Reassigned, d.Kept = int(*row.Open), int(*row.Workers), int(*row.Reassigned), int(*row.Kept)
	}
	return d
}

// draw shows one draw and what it did.
func (h *Handlers) draw(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	unknown := &domain.Refusal{Kind: domain.NotFound, Code: "draw.unknown", Message: "There is no such draw."}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return unknown
	}
	row, err := h.queries.FindDraw(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return h.showWaitingDraw(w, r, p, id, unknown)
	}
	if err != nil {
		return fmt.Errorf("find the draw: %w", err)
	}
	data := views.DrawData{DrawRow: drawRow(row), Interests: "draws/" + row.Command.String(), OnBoard: int(row.Moved)}
	if row.ShownAt != nil {
		data.Took = row.ShownAt.Sub(row.DrawnAt)
	}
	query := r.URL.Query()
	path := drawsPath + "/" + data.ID
	data.Address = address(path, query)
	if err := h.addShares(ctx, &data, row, p); err != nil {
		return err
	}
	if err := h.addMoves(ctx, &data, row.Command, path, query); err != nil {
		return err
	}
	return h.show(w, r, http.StatusOK, views.Draw(p.Page, data))
}

// showWaitingDraw shows what is known of the last draw before its event has come here; what comes fills the page. Of any other draw
// there is nothing.
func (h *Handlers) showWaitingDraw(w http.ResponseWriter, r *http.Request, p page, id uuid.UUID, unknown error) error {
	row, err := h.queries.FindProspect(r.Context())
	if err != nil {
		return fmt.Errorf("find the last draw: %w", err)
	}
	last := lastDraw(row)
	if last == nil || last.ID != id.String() {
		return unknown
	}
	data := views.DrawData{DrawRow: *last, Waiting: true, Interests: "draws", Address: drawsPath + "/" + last.ID}
	return h.show(w, r, http.StatusOK, views.Draw(p.Page, data))
}

// addShares adds what the draw gave to workers and took from them, and to and from the viewer.
func (h *Handlers) addShares(ctx context.Context, data *views.DrawData, row dbsqlc.FindDrawRow, p page) error {
	shares, err := h.queries.ListDrawShares(ctx, dbsqlc.ListDrawSharesParams{Command: row.Command, Rows: rowsOfPage})
	if err != nil {
		return fmt.Errorf("list the shares of the draw: %w", err)
	}
	for _, s := range shares {
		data.Shares = append(data.Shares, drawShare(s))
	}
	data.Others = max(0, int(row.Shares)-len(shares))
	if p.Person.Role != domain.Worker {
		return nil
	}
	mine, err := h.queries.ListDrawShares(ctx, dbsqlc.ListDrawSharesParams{Command: row.Command, Worker: &p.Person.ID, Rows: 1})
	if err != nil {
		return fmt.Errorf("find the viewer's share of the draw: %w", err)
	}
	for _, s := range mine {
		share := drawShare(s)
		data.Mine = &share
	}
	return nil
}

func drawShare(s dbsqlc.ListDrawSharesRow) views.DrawShare {
	return views.DrawShare{Worker: views.Person{ID: s.Worker.String(), Name: s.Name}, Got: int(s.Got), Lost: int(s.Lost), Fees: s.Fees}
}

// addMoves adds a page of the tasks that the draw moved, as the address narrows them.
func (h *Handlers) addMoves(ctx context.Context, data *views.DrawData, command uuid.UUID, path string, query url.Values) error {
	worker, err := readID(query, "worker")
	if err != nil {
		return err
	}
	if worker != nil {
		data.Worker.ID = worker.String()
		data.Worker.Name, err = h.queries.NameOfTrackerPerson(ctx, *worker)
		if errors.Is(err, pgx.ErrNoRows) {
			return errDrawsAddress("worker")
		}
		if err != nil {
			return fmt.Errorf("find the worker: %w", err)
		}
	}
	before, err := readBefore(query)
	if err != nil {
		return errDrawsAddress("before")
	}
	rows, err := h.queries.ListDrawMoves(ctx, dbsqlc.ListDrawMovesParams{Command: command, Before: before, Worker: worker, Rows: rowsOfPage + 1})
	if err != nil {
		return fmt.Errorf("list the tasks of the draw: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Next = address(path, query, "before", strconv.FormatInt(rows[rowsOfPage-1].Position, 10))
	}
	if before != nil {
		data.First = address(path, query, "before", "")
	}
	for _, m := range rows {
		data.Moves = append(data.Moves, views.DrawMove{
			ID: m.Task.String(), Number: int(m.Number), JiraID: m.JiraID, Description: m.Description,
			From: views.Person{ID: m.Previous.String(), Name: m.PreviousName}, To: views.Person{ID: m.Assignee.String(), Name: m.AssigneeName}, Fee: m.Fee,
		})
	}
	return nil
}
