package accounting_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
)

// Whichever event of a task comes first, it gives the task its price; those that come later find it and leave it alone.
func TestATaskIsPricedOnceOnTheFirstSightOfIt(t *testing.T) {
	t.Parallel()
	steps := map[string]func(t testing.TB, tx domain.Tx, task, worker uuid.UUID) (domain.Envelope, []domain.Event){
		"created": func(t testing.TB, tx domain.Tx, task, _ uuid.UUID) (domain.Envelope, []domain.Event) {
			created := newTask(task)
			return created.Cause, run(t, tx, &accounting.PriceTasks{Books: books(), Tasks: []accounting.NewTask{created}})
		},
		"assigned": func(t testing.TB, tx domain.Tx, task, worker uuid.UUID) (domain.Envelope, []domain.Event) {
			fee := posting(task, worker, 1)
			return fee.Cause, withdraw(t, tx, fee)
		},
		"resolved": func(t testing.TB, tx domain.Tx, task, worker uuid.UUID) (domain.Envelope, []domain.Event) {
			reward := posting(task, worker, 1)
			return reward.Cause, deposit(t, tx, reward)
		},
	}
	for _, order := range [][]string{
		{"created", "assigned", "resolved"}, {"created", "resolved", "assigned"}, {"assigned", "created", "resolved"},
		{"assigned", "resolved", "created"}, {"resolved", "created", "assigned"}, {"resolved", "assigned", "created"},
	} {
		t.Run(order[0]+", "+order[1]+", "+order[2], func(t *testing.T) {
			t.Parallel()
			tx, task, worker := begin(t), uuid.New(), uuid.New()
			first, events := steps[order[0]](t, tx, task, worker)
			given := price(t, tx, task)
			require.Equal(t, domain.Event{Subject: task, Version: 1, Cause: &first, Data: given}, events[0], "its price is told because of the event")
			for _, step := range order[1:] {
				_, events := steps[step](t, tx, task, worker)
				require.Empty(t, told[accounting.TaskPriced](events), "a price is told once")
			}
			require.Equal(t, given, price(t, tx, task), "a price never changes")

			balance, version := wallet(t, tx, worker)
			require.Equal(t, given.Reward-given.Fee, balance, "the books are the same in any order")
			require.EqualValues(t, 2, version)
			var number int64
			var description string
			require.NoError(t, tx.QueryRow(t.Context(), `select number, description from accounting.tasks where id = $1`, task).Scan(&number, &description))
			require.EqualValues(t, 7, number)
			require.Equal(t, "Clean the cage", description)
		})
	}
}

func TestPricesAreDrawnFairlyFromTheirRange(t *testing.T) {
	t.Parallel()
	const n = 11 * 21 * 40
	// The quantiles of the chi-squared distribution for 10 and 20 degrees of freedom that one fair draw in a thousand exceeds
	// (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4).
	const chiSquared10, chiSquared20 = 29.588, 45.315
	for name, unit := range map[string]int64{"dollars": 100, "yen": 1, "dinars": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draw := func() (fees, rewards float64) {
				tx := begin(t)
				cmd := &accounting.PriceTasks{Books: accounting.Books{Zone: books().Zone, Unit: unit}}
				for range n {
					cmd.Tasks = append(cmd.Tasks, newTask(uuid.New()))
				}
				priced := told[accounting.TaskPriced](run(t, tx, cmd))
				require.Len(t, priced, n)
				feeOf, rewardOf := map[int64]int{}, map[int64]int{}
				for _, p := range priced {
					require.Zero(t, p.Fee%unit, "whole units")
					require.Zero(t, p.Reward%unit, "whole units")
					feeOf[p.Fee/unit]++
					rewardOf[p.Reward/unit]++
				}
				require.Len(t, feeOf, 11)
				require.Len(t, rewardOf, 21)
				for fee := int64(10); fee <= 20; fee++ {
					require.NotZero(t, feeOf[fee], "no task costs %d", fee)
					fees += square(float64(feeOf[fee])-n/11) / (n / 11)
				}
				for reward := int64(20); reward <= 40; reward++ {
					require.NotZero(t, rewardOf[reward], "no task pays %d", reward)
					rewards += square(float64(rewardOf[reward])-n/21) / (n / 21)
				}
				return fees, rewards
			}
			fees, rewards := draw()
			if fees < chiSquared10 && rewards < chiSquared20 {
				return
			}
			// A fair draw gets a second chance: a false alarm is one in a million.
			fees, rewards = draw()
			require.Less(t, fees, chiSquared10, "each fee is as likely as any other")
			require.Less(t, rewards, chiSquared20, "each reward is as likely as any other")
		})
	}
}

func square(x float64) float64 { return x * x }

func TestWhoseBooksNameATaskIsToldWhenItsWordsComeLate(t *testing.T) {
	t.Parallel()
	tx, worker, other := begin(t), uuid.New(), uuid.New()
	charged, unknown := uuid.New(), uuid.New()
	withdraw(t, tx, posting(charged, worker, 1), posting(uuid.New(), other, 1))
	cmd := &accounting.PriceTasks{Books: books(), Tasks: []accounting.NewTask{newTask(charged), newTask(unknown)}}
	require.Len(t, run(t, tx, cmd), 1, "only one of them had no price")
	require.Equal(t, []uuid.UUID{worker}, cmd.Charged)
}
