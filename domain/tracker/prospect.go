package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// Prospect is what a draw would be about at one moment: what somebody sees before they draw.
type Prospect struct {
	// Open counts the open tasks, and Workers the active Workers to draw from.
	Open    int `json:"open"`
	Workers int `json:"workers"`
	// LastTask is the number of the newest task, and LastDraw the last draw, nil before the first.
	LastTask int64     `json:"last_task"`
	LastDraw uuid.UUID `json:"last_draw"`
	// Warned says that this is a second look: the first was outdated, and what had changed has been shown.
	Warned bool `json:"warned"`
}

// Outdated reports whether a draw would now be another matter than the one that was seen, so that whoever asked for it has to look
// again:
//
//   - there has been another draw, so that everybody would be charged twice; but after a warning no longer, or nobody would get a
//     turn where others draw all the time;
//   - open tasks have become more by over a tenth, and by more than two; what all fees come to grows with them, since each is
//     between 10 and 20;
//   - the number of workers has changed by over a tenth, so that the shares have.
//
// Fewer tasks charge nobody more, and a few more or less are the usual state of a busy company: neither holds a draw up.
func (seen Prospect) Outdated(now Prospect) bool {
	redrawn := now.LastDraw != seen.LastDraw && !seen.Warned
	grown := now.Open-seen.Open > max(2, seen.Open/10)
	others := max(now.Workers-seen.Workers, seen.Workers-now.Workers) > seen.Workers/10
	return redrawn || grown || others
}

// prospect is what a draw would be about now.
func prospect(ctx context.Context, q *dbsqlc.Queries) (Prospect, error) {
	row, err := q.FindProspect(ctx)
	if err != nil {
		return Prospect{}, fmt.Errorf("look at what there is to draw: %w", err)
	}
	return ProspectOf(row), nil
}

// ProspectOf is a prospect as it stands in the database.
func ProspectOf(row dbsqlc.FindProspectRow) Prospect {
	p := Prospect{Open: int(row.Open), Workers: int(row.Workers), LastTask: row.LastTask}
	if row.Draw != nil {
		p.LastDraw = *row.Draw
	}
	return p
}

// errOutdated refuses a draw that is another matter than the one that was seen.
func errOutdated() error {
	return &domain.Refusal{Kind: domain.Conflict, Code: "task.draw_outdated",
		Message: "This has changed since you looked, so nothing was drawn. Look at it as it is now, then assign."}
}
