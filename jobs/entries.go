package jobs

import (
	"ates/domain"
)

// tasksNamed is of how many tasks at most pages are told one by one that they have new entries; of more they are told all at once.
const tasksNamed = 20

// entriesOfTasks are the topics of the tasks whose events have been booked, for the pages that show what a task has cost and paid.
func entriesOfTasks(events []domain.Envelope, _ domain.Command) []string {
	if len(events) > tasksNamed {
		return []string{"entries"}
	}
	topics := make([]string, len(events))
	for i, e := range events {
		topics[i] = "entries/" + e.Subject.String()
	}
	return topics
}
