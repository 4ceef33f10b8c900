package views

import (
	"context"

	"github.com/google/uuid"

	"ates/domain/tracker"
)

// TaskNews is what somebody is told of their tasks, in a page or by mail.
type TaskNews tracker.Notification

// Headline is what happened, in one line.
func (n TaskNews) Headline(ctx context.Context) string {
	switch n.Kind {
	case tracker.DrawTold:
		switch {
		case n.Taken == 0:
			return N(ctx, "news.draw_gave", n.Given)
		case n.Given == 0:
			return N(ctx, "news.draw_took", n.Taken)
		default:
			return N(ctx, "news.draw_gave_and", n.Given) + " " + N(ctx, "news.draw_and_took", n.Taken)
		}
	case tracker.TaskResolvedByElse:
		return T(ctx, "news.resolved", "Name", n.by(ctx), "Task", taskName(n.Task.Number))
	default:
		return T(ctx, "news.given", "Task", taskName(n.Task.Number))
	}
}

// why is why the reader is told.
func (n TaskNews) why(ctx context.Context) string {
	switch n.Kind {
	case tracker.DrawTold:
		return T(ctx, "news.why_draw", "Name", n.by(ctx))
	case tracker.TaskResolvedByElse:
		if n.Task.Reward != nil {
			return T(ctx, "news.why_resolved", "Reward", Money(ctx, *n.Task.Reward))
		}
		return T(ctx, "news.why_resolved_unpriced")
	default:
		return T(ctx, "news.why_given", "Name", n.by(ctx))
	}
}

// by is who did it.
func (n TaskNews) by(ctx context.Context) string {
	if n.ByName == "" {
		return T(ctx, "news.somebody")
	}
	return n.ByName
}

// address is the page of what the news are about.
func (n TaskNews) address() string {
	if n.Draw != uuid.Nil {
		return "/tasks/draws/" + n.Draw.String()
	}
	return "/tasks/" + n.Task.ID.String()
}

// cost is what it cost, where that is known and something to say.
func (n TaskNews) cost(ctx context.Context) string {
	switch {
	case n.Kind == tracker.DrawTold && n.Fees != nil && n.Given > 0:
		return T(ctx, "news.fees", "Amount", Money(ctx, *n.Fees))
	case n.Kind == tracker.TaskGiven && n.Task.Fee != nil && n.Task.Reward != nil:
		return T(ctx, "news.prices", "Fee", Money(ctx, *n.Task.Fee), "Reward", Money(ctx, *n.Task.Reward))
	default:
		return ""
	}
}

// lists are the tasks of a draw.
func (n TaskNews) lists(ctx context.Context) (lists []newsList) {
	if n.Given > 0 {
		lists = append(lists, newsList{N(ctx, "news.given_tasks", n.Given), n.GivenTasks, n.Given - len(n.GivenTasks)})
	}
	if n.Taken > 0 {
		lists = append(lists, newsList{N(ctx, "news.taken_tasks", n.Taken), n.TakenTasks, n.Taken - len(n.TakenTasks)})
	}
	return lists
}

// newsList is some tasks of a draw under a title, and how many more there are.
type newsList struct {
	title string
	tasks []tracker.NotifiedTask
	more  int
}

// Letter is the mail with the news. site is how people reach the program; without it there are no links.
func (n TaskNews) Letter(ctx context.Context, site string) Letter {
	l := letterTo(ctx, n.Name, site, n.address())
	l.Subject, l.Headline, l.Explanation, l.Why = n.Headline(ctx), n.Headline(ctx), n.why(ctx), T(ctx, "mail.why_task")
	if n.Kind != tracker.DrawTold {
		l.About, l.Headline = n.Headline(ctx), withJiraID(n.Task.JiraID, n.Task.Description)
	}
	if cost := n.cost(ctx); cost != "" {
		l.Explanation += " " + cost
	}
	for _, list := range n.lists(ctx) {
		shown := LetterList{Title: list.title}
		for _, task := range list.tasks {
			line := LetterLine{Label: taskName(task.Number) + " " + withJiraID(task.JiraID, task.Description)}
			if task.Fee != nil {
				line.Amount = Money(ctx, *task.Fee)
			}
			shown.Items = append(shown.Items, line)
		}
		if list.more > 0 {
			shown.More = N(ctx, "news.more", list.more)
		}
		l.Lists = append(l.Lists, shown)
	}
	return l
}
