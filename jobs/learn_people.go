package jobs

import (
	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// aboutPerson is any of the User events.
type aboutPerson interface {
	domain.EventData
	Whole() auth.User
}

// trackerLearnsPeople brings the tracker's copy of people up to date.
var trackerLearnsPeople = &reaction{kind: "tracker_learn_people", queue: peopleQueue,
	command: func(events []domain.Envelope) (domain.Command, error) {
		var cmd tracker.LearnPeople
		for _, e := range events {
			told, err := open[aboutPerson](e)
			if err != nil {
				return nil, err
			}
			u := told.Whole()
			cmd.People = append(cmd.People, tracker.Person{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Active: u.Status == auth.Active, Version: u.Version})
		}
		return cmd, nil
	},
	topics: func(events []domain.Envelope, _ domain.Command) []string {
		// The list of people is the Auth-Service's own, which has committed before any job can run.
		topics := []string{"tasks", "people"}
		for _, e := range events {
			topics = append(topics, auth.PersonTopic(e.Subject))
		}
		return topics
	},
}

// accountingLearnsPeople brings Accounting's copy of people up to date.
var accountingLearnsPeople = &reaction{kind: "accounting_learn_people", queue: peopleQueue,
	command: func(events []domain.Envelope) (domain.Command, error) {
		var cmd accounting.LearnPeople
		for _, e := range events {
			told, err := open[aboutPerson](e)
			if err != nil {
				return nil, err
			}
			u := told.Whole()
			cmd.People = append(cmd.People, accounting.Person{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Active: u.Status == auth.Active, Version: u.Version})
		}
		return cmd, nil
	},
	// Its lists name people, and a new worker has a wallet.
	topics: func([]domain.Envelope, domain.Command) []string { return []string{"accounting", "analytics"} },
}
