package accounting

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// Between what prices are drawn, in whole units of money, both ends included.
const (
	LeastFee    = 10
	MostFee     = 20
	LeastReward = 20
	MostReward  = 40
)

// NewTask is what Accounting learns of a task from the event that created it.
type NewTask struct {
	Cause  domain.Envelope
	TaskID uuid.UUID
	Number int64
	// JiraID is empty where the task has none.
	JiraID      string
	Description string
}

// PriceTasks gives new tasks their price, unless an event that came sooner did, and notes their words. It is a reaction
// to Task.Created.
type PriceTasks struct {
	Books Books
	Tasks []NewTask

	// Charged is the answer: whose books name one of the tasks already.
	Charged []uuid.UUID
}

// Handle prices and describes; the events are one Task.Priced for each task that had no price.
func (c *PriceTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	causes := make(map[uuid.UUID]domain.Envelope, len(c.Tasks))
	var words dbsqlc.DescribeTasksParams
	for _, t := range c.Tasks {
		causes[t.TaskID] = t.Cause
		words.Tasks = append(words.Tasks, t.TaskID)
		words.Numbers = append(words.Numbers, t.Number)
		words.JiraIds = append(words.JiraIds, t.JiraID)
		words.Descriptions = append(words.Descriptions, t.Description)
	}
	events, err := price(ctx, tx, c.Books, causes)
	if err != nil {
		return nil, err
	}
	q := dbsqlc.New(tx)
	if err := q.DescribeTasks(ctx, words); err != nil {
		return nil, fmt.Errorf("describe tasks: %w", err)
	}
	if c.Charged, err = q.ListWalletsOfTasks(ctx, words.Tasks); err != nil {
		return nil, fmt.Errorf("list wallets of tasks: %w", err)
	}
	return events, nil
}

// price gives each task that has none its price, drawn uniformly. Causes are the events that brought the tasks into sight.
func price(ctx context.Context, tx domain.Tx, books Books, causes map[uuid.UUID]domain.Envelope) ([]domain.Event, error) {
	asked := dbsqlc.PriceTasksParams{Unit: books.Unit, At: tx.Now}
	for id := range causes {
		asked.Tasks = append(asked.Tasks, id)
		asked.Fees = append(asked.Fees, (LeastFee+rand.Int64N(MostFee-LeastFee+1))*books.Unit)
		asked.Rewards = append(asked.Rewards, (LeastReward+rand.Int64N(MostReward-LeastReward+1))*books.Unit)
	}
	priced, err := dbsqlc.New(tx).PriceTasks(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("price tasks: %w", err)
	}
	events := make([]domain.Event, 0, len(priced))
	for _, p := range priced {
		cause := causes[p.ID]
		events = append(events, domain.Event{Subject: p.ID, Version: 1, Cause: &cause,
			Data: TaskPriced{TaskID: p.ID, Fee: p.Fee, Reward: p.Reward}})
	}
	return events, nil
}
