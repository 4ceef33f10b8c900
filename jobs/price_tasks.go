package jobs

import (
	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
)

// priceTasks lets Accounting see each Task.Created.
func priceTasks(books accounting.Books) *reaction {
	return &reaction{kind: "price_tasks", queue: moneyQueue, together: true,
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := &accounting.PriceTasks{Books: books}
			for _, e := range events {
				created, err := open[tracker.TaskCreated](e)
				if err != nil {
					return nil, err
				}
				cmd.Tasks = append(cmd.Tasks, accounting.NewTask{Cause: e, TaskID: created.TaskID, Number: created.Number, JiraID: created.JiraID, Description: created.Title})
			}
			return cmd, nil
		},
		// A statement that was there before the task's words were can show them now.
		topics: func(_ []domain.Envelope, done domain.Command) []string {
			var topics []string
			for _, owner := range done.(*accounting.PriceTasks).Charged {
				topics = append(topics, "balance/"+owner.String())
			}
			if len(topics) > 0 {
				topics = append(topics, "accounting", "analytics")
			}
			return topics
		}}
}
