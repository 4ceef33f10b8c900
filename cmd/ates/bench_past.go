package main

// eventsOfTask are about how many events a task of the past of a company has: its creation and its price, ten assignments and its end, and
// what each of these moved in its wallets.
const eventsOfTask = 22

// ofEvents is a company of few workers whose log has about so many events, which lie in its last three months whatever their number.
func (s benchSize) ofEvents(n int) benchSize {
	const staff, demo = 20, 8
	// Each worker's day has its reset, and about every other time a payout.
	const closes = pagesDays * (staff + demo) * 3 / 2
	s.Staff, s.Tasks = staff, max(20, (n-closes)/eventsOfTask)
	s.Ledger = s.Tasks * 10
	return s
}
