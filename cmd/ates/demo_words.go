package main

import (
	"fmt"
	"strings"
)

// wording makes descriptions that read as if somebody had typed them: one of each part, joined by spaces.
type wording [3][]string

// wordings are what the company of the demo has to do. Every combination within one of them must read well.
var wordings = []wording{
	{
		{"Oil", "Polish", "Repair", "Inspect", "Paint", "Replace"},
		{"the perch in the meeting room", "the swing over reception", "the bell at the front desk", "the ladder to the second branch", "the mirror in the lift", "the nest boxes on the third floor", "the window in the canteen", "the door of the seed store"},
		{"", "before the board lands", "after the night shift", "and send the bill to Max", "without waking the owls"},
	},
	{
		{"Count", "Order", "Taste", "Label", "Sort", "Write off"},
		{"the sunflower seeds", "last month's millet", "the crackers for visitors", "the mangoes of the canteen", "the walnuts in the vault", "the emergency peanuts"},
		{"", "before the auditors do", "with a witness", "once more", "for the summer party"},
	},
	{
		{"Fix", "Explain", "Reproduce", "Find the owner of", "Write a test for", "Document"},
		{"the login page that says everything twice", "the report that molts every Friday", "the queue that squawks at midnight", "the search that finds only itself", "the form that repeats the last word", "the job that has been asleep since spring", "the time zone of the carrier pigeons", "the button nobody dares to press"},
		{"", "before the release", "and tell support", "with a screenshot", "once and for all"},
	},
	{
		{"Translate", "Proofread", "Shorten", "Rewrite", "Read aloud", "Simplify"},
		{"the crackers contract", "the rules of the aviary", "the terms of the seed loan", "the welcome letter for fledglings", "the handbook of polite squawking", "the answer to the cat's lawyer"},
		{"", "before Friday", "for the lawyers", "so that a budgerigar can follow", "by the end of the week"},
	},
	{
		{"Call", "Visit", "Thank", "Invite", "Send an offer to", "Remind"},
		{"the zoo across the river", "the pirates of the harbour", "the botanical garden", "the pet shop on Mango Street", "the circus", "the tortoise from the third floor", "the lighthouse keeper", "the piano teacher"},
		{"", "this week", "with a card", "and take crackers along", "before they ask again"},
	},
	{
		{"Move", "Back up", "Archive", "Encrypt", "Clean up", "Draw a map of"},
		{"the feather database", "the recordings of the morning chorus", "the payroll of the flock", "the photographs of the last molt", "the logs of the weather cock", "the wiki pages about worms"},
		{"", "to the new bucket", "while traffic is low", "and check that it can be restored", "as the policy asks"},
	},
	{
		{"Teach the interns", "Remind the flock", "Ask the macaws", "Tell the newcomers", "Teach the lovebirds", "Remind the cockatoos"},
		{"how to close a ticket", "to knock before landing", "where the fire exit is", "what double-entry bookkeeping is for", "to say “it works on my machine”", "how to read a balance", "why the coffee machine must not be fed"},
		{"", "in under five minutes", "without shouting", "with an example"},
	},
	{
		{"Plan", "Prepare", "Book a room for", "Take minutes of", "Sum up", "Postpone"},
		{"the quarterly flight review", "the retrospective of the storm", "the talk about claws and keyboards", "the budget for shiny things", "the interview with the woodpecker", "the drill for when the cat comes"},
		{"", "with snacks", "one last time", "after the rain", "before lunch"},
	},
}

// description is the text number n of the story. Those that follow one another have little in common, and none comes twice
// before there have been all of them.
func description(n int) string {
	all := 0
	for _, w := range wordings {
		all += w.size()
	}
	// A prime that does not divide the number of all texts, so that its multiples reach each of them.
	const stride = 1009
	at := n * stride % all
	for _, w := range wordings {
		if at < w.size() {
			return w.text(at)
		}
		at -= w.size()
	}
	return ""
}

// withJiraID puts a Jira id in front of some of the texts of the story.
func withJiraID(n int, text string) string {
	projects := []string{"NEST", "", "POPUG", "", ""}
	if project := projects[n%len(projects)]; project != "" {
		return fmt.Sprintf("[%s-%d] - %s", project, 101+n, text)
	}
	return text
}

func (w wording) size() int { return len(w[0]) * len(w[1]) * len(w[2]) }

func (w wording) text(at int) string {
	var parts []string
	for _, part := range w {
		if chosen := part[at%len(part)]; chosen != "" {
			parts = append(parts, chosen)
		}
		at /= len(part)
	}
	return strings.Join(parts, " ")
}
