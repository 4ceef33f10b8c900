package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// Notification is what somebody is told, through one channel, with what it speaks of as that is now.
type Notification struct {
	ID            int64
	Cause, Person uuid.UUID
	Name          string
	Kind          string
	// ByName is who did it; empty when nobody did, or nobody who is known.
	ByName string
	// Task is what it was done to, unless that was a draw.
	Task NotifiedTask
	// Draw gave so many tasks and took so many; GivenTasks and TakenTasks are the first of them. Fees is what those given cost, nil when
	// a price was not known yet.
	Draw                   uuid.UUID
	Given, Taken           int
	GivenTasks, TakenTasks []NotifiedTask
	Fees                   *int64

	State          string
	Address, Error *string
	Attempts       int
	NotedAt, Since time.Time
}

// NotifiedTask is a task of which somebody is told. Its prices are nil until they are known.
type NotifiedTask struct {
	ID     uuid.UUID
	Number int
	// JiraID is empty where the task has none.
	JiraID      string
	Description string
	Fee, Reward *int64
}

// ListInbox reads a page of what somebody is told in the pages, the newest first.
func ListInbox(ctx context.Context, db dbsqlc.DBTX, asked dbsqlc.ListInboxParams) ([]Notification, error) {
	rows, err := dbsqlc.New(db).ListInbox(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("list notifications: %w", err)
	}
	return complete(ctx, db, rows)
}

// ListMails reads a page of the tracker's mails, the newest first, without the tasks of draws.
func ListMails(ctx context.Context, db dbsqlc.DBTX, asked dbsqlc.ListTrackerMailsParams) ([]Notification, error) {
	rows, err := dbsqlc.New(db).ListTrackerMails(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	mails := make([]Notification, len(rows))
	for i, row := range rows {
		mails[i] = notification(row)
	}
	return mails, nil
}

// FindMail reads one mail of the tracker. It refuses one that there is not.
func FindMail(ctx context.Context, db dbsqlc.DBTX, id int64) (Notification, error) {
	row, err := dbsqlc.New(db).FindTrackerMail(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Notification{}, &domain.Refusal{Kind: domain.NotFound, Code: "mail.unknown", Message: "There is no such mail."}
	}
	if err != nil {
		return Notification{}, fmt.Errorf("find a mail: %w", err)
	}
	found, err := complete(ctx, db, []dbsqlc.TrackerTold{row})
	if err != nil {
		return Notification{}, err
	}
	return found[0], nil
}

// complete adds the tasks of draws.
func complete(ctx context.Context, db dbsqlc.DBTX, rows []dbsqlc.TrackerTold) ([]Notification, error) {
	told, places, ofDraws := make([]Notification, len(rows)), map[int64]int{}, []int64(nil)
	for i, row := range rows {
		told[i] = notification(row)
		if row.Kind == DrawTold {
			places[row.ID] = i
			ofDraws = append(ofDraws, row.ID)
		}
	}
	if len(ofDraws) == 0 {
		return told, nil
	}
	tasks, err := dbsqlc.New(db).ListTasksOfNotifications(ctx, ofDraws)
	if err != nil {
		return nil, fmt.Errorf("list the tasks of draws: %w", err)
	}
	for _, t := range tasks {
		n := &told[places[t.Notification]]
		task := NotifiedTask{ID: t.ID, Number: int(t.Number), JiraID: t.JiraID, Description: t.Description, Fee: t.Fee}
		if t.Taken {
			n.TakenTasks = append(n.TakenTasks, task)
		} else {
			n.GivenTasks = append(n.GivenTasks, task)
		}
	}
	return told, nil
}

func notification(row dbsqlc.TrackerTold) Notification {
	n := Notification{
		ID: row.ID, Cause: row.Cause, Person: row.Person, Name: row.Name, Kind: row.Kind, ByName: row.ActorName,
		Given: int(row.GivenCount), Taken: int(row.TakenCount), Fees: row.Fees,
		State: row.State, Address: row.Address, Error: row.Error, Attempts: int(row.Attempts), NotedAt: row.NotedAt, Since: row.Since,
	}
	if row.Task != nil {
		n.Task = NotifiedTask{ID: *row.Task, Number: int(row.Number), JiraID: row.JiraID, Description: row.Description, Fee: row.Fee, Reward: row.Reward}
	}
	if row.Draw != nil {
		n.Draw = *row.Draw
	}
	return n
}
