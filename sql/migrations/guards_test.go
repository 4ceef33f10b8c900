package migrations_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// shop is a transaction with a little of everything in it: an open task with its fee booked, a resolved one with its fee and
// reward booked, and their events.
type shop struct {
	tx    pgx.Tx
	names pgx.NamedArgs
}

func openShop(t *testing.T) shop {
	t.Helper()
	tx := sqltest.Tx(t)
	q := dbsqlc.New(tx)
	now := time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	worker, open, resolved, event := uuid.New(), uuid.New(), uuid.New(), uuid.New()

	require.NoError(t, q.LearnTrackerPeople(t.Context(), dbsqlc.LearnTrackerPeopleParams{
		Ids: []uuid.UUID{worker}, Names: []string{"Ann"}, Emails: []string{"ann@popug.example"}, Roles: []string{"worker"}, Active: []bool{true}, Versions: []int64{1},
	}))
	inserted, err := q.InsertTasks(t.Context(), dbsqlc.InsertTasksParams{
		Ids: []uuid.UUID{open, resolved}, JiraIds: []string{"", ""}, Descriptions: []string{"Clean the cage", "Clean the cage"}, Creators: []uuid.UUID{worker, worker}, CreatedAt: now,
	})
	require.NoError(t, err)
	require.Len(t, inserted, 2)
	_, err = q.ResolveTask(t.Context(), dbsqlc.ResolveTaskParams{ID: resolved, By: worker, At: now})
	require.NoError(t, err)

	_, err = q.PriceTasks(t.Context(), dbsqlc.PriceTasksParams{
		Tasks: []uuid.UUID{open, resolved}, Fees: []int64{1000, 2000}, Rewards: []int64{2000, 4000}, Unit: 100, At: now,
	})
	require.NoError(t, err)
	require.NoError(t, q.OpenWallets(t.Context(), dbsqlc.OpenWalletsParams{Owners: []uuid.UUID{worker}, At: now}))
	for kind, tasks := range map[string][]uuid.UUID{"fee": {open, resolved}, "reward": {resolved}} {
		asked := dbsqlc.BookParams{Kind: kind, BookedAt: now, Tasks: tasks}
		for range tasks {
			asked.Assignments = append(asked.Assignments, 1)
			asked.Workers = append(asked.Workers, worker)
			asked.Events = append(asked.Events, uuid.New())
			asked.EventNames = append(asked.EventNames, "Task.Assigned")
			asked.Correlations = append(asked.Correlations, uuid.New())
			asked.Actors = append(asked.Actors, worker)
			asked.OccurredAt = append(asked.OccurredAt, now)
			asked.Days = append(asked.Days, now)
		}
		booked, err := q.Book(t.Context(), asked)
		require.NoError(t, err)
		require.Len(t, booked, len(tasks))
	}
	_, err = q.AppendEvents(t.Context(), dbsqlc.AppendEventsParams{
		Batches: []uuid.UUID{uuid.New()}, OccurredAt: now, Ids: []uuid.UUID{event}, Names: []string{"Task.Resolved"}, Versions: []int32{1},
		Producers: []string{"tracker"}, Subjects: []uuid.UUID{resolved}, SubjectVersions: []int64{3}, Actors: []uuid.UUID{worker},
		CorrelationIds: []uuid.UUID{uuid.New()}, CausationIds: []uuid.UUID{uuid.New()}, Data: []string{"{}"},
	})
	require.NoError(t, err)
	_, err = q.RecordCommands(t.Context(), dbsqlc.RecordCommandsParams{
		Ids: []uuid.UUID{uuid.New()}, Name: "tracker.CreateTask", Actors: []uuid.UUID{worker}, Keys: []string{"key"}, Inputs: []string{"{}"}, RequestIds: []string{""}, OccurredAt: now,
	})
	require.NoError(t, err)
	return shop{tx, pgx.NamedArgs{"worker": worker, "open": open, "resolved": resolved, "event": event}}
}

var truncating sync.Mutex

// oneTruncates lets a test go on until its end while no other does that is held to this. A truncation wants its tables whole, after its shop has
// used them: two such transactions would wait for each other, and a savepoint gives back only what came after it.
func oneTruncates(t *testing.T) {
	truncating.Lock()
	t.Cleanup(truncating.Unlock)
}

// try runs a statement in a savepoint and returns what Postgres says against it.
func (s shop) try(t *testing.T, statement string) *pgconn.PgError {
	t.Helper()
	savepoint, err := s.tx.Begin(t.Context())
	require.NoError(t, err)
	_, failed := savepoint.Exec(t.Context(), statement, s.names)
	require.NoError(t, savepoint.Rollback(t.Context()))
	if failed == nil {
		return nil
	}
	var refused *pgconn.PgError
	require.ErrorAs(t, failed, &refused, statement)
	return refused
}

// A transfer as it would be right, but for what a test puts into it.
const transfer = `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event) values `

const (
	income  = `'00000000-0000-0000-0000-000000000001'`
	expense = `'00000000-0000-0000-0000-000000000002'`
	pending = `'00000000-0000-0000-0000-000000000003'`
	cash    = `'00000000-0000-0000-0000-000000000004'`
	rest    = `'2030-03-01', now(), now(), gen_random_uuid())`
)

func TestTheDatabaseRefusesWhatMustNotBe(t *testing.T) {
	t.Parallel()
	// by is the constraint that must refuse the statement or, where a trigger or type does, its words.
	for name, c := range map[string]struct{ statement, by string }{
		"event changed":                   {`update log.events set data = '{"x": 1}' where id = @event`, "append only"},
		"event changed, though none is":   {`update log.events set data = '{"x": 1}' where false and id = @event`, "append only"},
		"event deleted":                   {`delete from log.events where id = @event`, "append only"},
		"events truncated":                {`truncate log.events`, "append only"},
		"event told twice":                {`insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data) select gen_random_uuid(), batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data from log.events where id = @event`, "events_told_once"},
		"event with another's id":         {`insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data) select id, batch, name, version, occurred_at, producer, subject, 99, correlation_id, causation_id, data from log.events where id = @event`, "events_id"},
		"command recorded twice":          {`insert into log.commands (id, name, actor, key, input, request_id, occurred_at) values (gen_random_uuid(), 'tracker.CreateTask', @worker, 'key', '{}', '', now())`, "commands_act_once"},
		"transfer changed":                {`update accounting.transfers set amount = 1 where task = @open`, "append only"},
		"transfer deleted":                {`delete from accounting.transfers where task = @open`, "append only"},
		"transfers truncated":             {`truncate accounting.transfers`, "append only"},
		"transfers truncated by a detour": {`truncate accounting.tasks cascade`, "append only"},

		"fee for the same assignment":     {transfer + `('fee', @worker, ` + income + `, 1000, @worker, 4, 0, @open, 1, ` + rest, "fee_once_per_assignment"},
		"second reward":                   {transfer + `('reward', ` + expense + `, @worker, 4000, @worker, 4, 0, @resolved, 2, ` + rest, "reward_once_per_task"},
		"second reset of a day":           {transfer + `('reset', @worker, ` + pending + `, 100, @worker, 4, 0, null, null, ` + rest + `, ('reset', @worker, ` + pending + `, 100, @worker, 5, 0, null, null, ` + rest, "reset_once_per_day"},
		"second payout of a day":          {transfer + `('payout', ` + pending + `, ` + cash + `, 100, @worker, 4, 0, null, null, ` + rest + `, ('payout', ` + pending + `, ` + cash + `, 100, @worker, 5, 0, null, null, ` + rest, "payout_once_per_day"},
		"one version of a wallet twice":   {transfer + `('fee', @worker, ` + income + `, 1000, @worker, 3, 0, @open, 2, ` + rest, "wallet_moves_one_at_a_time"},
		"the same account on both sides":  {transfer + `('fee', ` + income + `, ` + income + `, 1000, ` + income + `, 4, 0, @open, 2, ` + rest, "sides_differ"},
		"fee to cash":                     {transfer + `('fee', @worker, ` + cash + `, 1000, @worker, 4, 0, @open, 2, ` + rest, "fee_moves_wallet_to_income"},
		"fee the wrong way round":         {transfer + `('fee', ` + income + `, @worker, 1000, @worker, 4, 0, @open, 2, ` + rest, "fee_moves_wallet_to_income"},
		"reward out of fee income":        {transfer + `('reward', ` + income + `, @worker, 1000, @worker, 4, 0, @open, 1, ` + rest, "reward_moves_expense_to_wallet"},
		"fee of nothing":                  {transfer + `('fee', @worker, ` + income + `, 0, @worker, 4, 0, @open, 2, ` + rest, "transfers_amount_check"},
		"negative fee":                    {transfer + `('fee', @worker, ` + income + `, -1000, @worker, 4, 0, @open, 2, ` + rest, "transfers_amount_check"},
		"transfer of no known kind":       {transfer + `('gift', @worker, ` + income + `, 1000, @worker, 4, 0, null, null, ` + rest, "transfers_kind_check"},
		"transfer of nobody's wallet":     {transfer + `('fee', @event, ` + income + `, 1000, @event, 4, 0, @open, 2, ` + rest, "transfers_wallet_fkey"},
		"transfer for a task unpriced":    {transfer + `('fee', @worker, ` + income + `, 1000, @worker, 4, 0, @event, 1, ` + rest, "transfers_task_fkey"},
		"transfer for no assignment":      {transfer + `('fee', @worker, ` + income + `, 1000, @worker, 4, 0, @open, 0, ` + rest, "transfers_assignment_check"},
		"a balance of the company's":      {`update accounting.accounts set balance = 1 where kind = 'cash'`, "company_accounts_keep_no_balance"},
		"a second cash account":           {`insert into accounting.accounts (id, kind) values (gen_random_uuid(), 'cash')`, "accounts_of_the_company"},
		"a wallet with entries that goes": {`delete from accounting.accounts where id = @worker`, "transfers_wallet_fkey"},

		"price changed":          {`update accounting.tasks set fee = 1100 where id = @open`, "which never changes"},
		"price in another unit":  {`update accounting.tasks set unit = 50, fee = 500, reward = 1000 where id = @open`, "which never changes"},
		"reward changed":         {`update accounting.tasks set reward = 2100 where id = @open`, "which never changes"},
		"price deleted":          {`delete from accounting.tasks where id = @open`, "which never changes"},
		"fee below its range":    {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 900, 2000, now())`, "fee_in_range"},
		"fee above its range":    {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 2100, 2000, now())`, "fee_in_range"},
		"fee with cents":         {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 1050, 2000, now())`, "fee_in_range"},
		"reward below its range": {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 1000, 1900, now())`, "reward_in_range"},
		"reward above its range": {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 1000, 4100, now())`, "reward_in_range"},
		"reward with cents":      {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 100, 1000, 2001, now())`, "reward_in_range"},
		"task priced twice":      {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values (@open, 100, 1000, 2000, now())`, "tasks_pkey"},

		"resolved task reassigned":         {`update tracker.tasks set assignment = 2, version = 9 where id = @resolved`, "which is final"},
		"resolved task reopened":           {`update tracker.tasks set status = 'open', resolved_by = null, resolved_at = null where id = @resolved`, "which is final"},
		"resolved task deleted":            {`delete from tracker.tasks where id = @resolved`, "which is final"},
		"task resolved by nobody":          {`update tracker.tasks set status = 'resolved' where id = @open`, "resolved_by_somebody"},
		"open task that was resolved":      {`update tracker.tasks set resolved_by = @worker, resolved_at = now() where id = @open`, "resolved_by_somebody"},
		"task in no known status":          {`update tracker.tasks set status = 'lost' where id = @open`, "tasks_status_check"},
		"task with nobody":                 {`update tracker.tasks set assignee = null where id = @open`, `column "assignee"`},
		"task with somebody unknown":       {`update tracker.tasks set assignee = @event where id = @open`, "tasks_assignee_fkey"},
		"task without a description":       {`update tracker.tasks set description = '' where id = @open`, "description_length"},
		"task with a Jira id that is none": {`update tracker.tasks set jira_id = 'urgent' where id = @open`, "jira_id_is_one"},
		"task with a long description":     {`update tracker.tasks set description = repeat('🦜', 1001) where id = @open`, "description_length"},
		"task before its first assignee":   {`update tracker.tasks set assignment = 0 where id = @open`, "tasks_assignment_check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(c.statement, "truncate") {
				oneTruncates(t)
			}
			refused := openShop(t).try(t, c.statement)
			require.NotNil(t, refused, "nothing refuses it")
			if refused.ConstraintName != "" {
				require.Equal(t, c.by, refused.ConstraintName)
				return
			}
			require.Contains(t, refused.Message, c.by)
		})
	}
}

// The guards above must refuse what is wrong, not everything.
func TestTheDatabaseAllowsWhatMayBe(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"fee of the next assignment":   transfer + `('fee', @worker, ` + income + `, 1000, @worker, 4, 0, @open, 2, ` + rest,
		"reward of the other task":     transfer + `('reward', ` + expense + `, @worker, 2000, @worker, 4, 0, @open, 1, ` + rest,
		"cheapest and dearest":         `insert into accounting.tasks (id, unit, fee, reward, priced_at) values (gen_random_uuid(), 1, 10, 20, now()), (gen_random_uuid(), 1000, 20000, 40000, now())`,
		"words of a task":              `update accounting.tasks set number = 7, description = 'Clean the cage' where id = @resolved`,
		"open task resolved":           `update tracker.tasks set status = 'resolved', resolved_by = @worker, resolved_at = now() where id = @open`,
		"open task reassigned":         `update tracker.tasks set assignment = 2, version = 3 where id = @open`,
		"longest description":          `update tracker.tasks set description = repeat('🦜', 1000) where id = @open`,
		"the same key of another":      `insert into log.commands (id, name, actor, key, input, request_id, occurred_at) values (gen_random_uuid(), 'tracker.CreateTask', @event, 'key', '{}', '', now())`,
		"the same key, another form":   `insert into log.commands (id, name, actor, key, input, request_id, occurred_at) values (gen_random_uuid(), 'tracker.AssignTasks', @worker, 'key', '{}', '', now())`,
		"a later event of the subject": `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data) select gen_random_uuid(), batch, name, version, occurred_at, producer, subject, 4, correlation_id, causation_id, data from log.events where id = @event`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Nil(t, openShop(t).try(t, statement))
		})
	}
}

func TestEveryTransferHasTwoSidesThatSumToZero(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	var transfers, unbalanced int
	require.NoError(t, s.tx.QueryRow(t.Context(), `select count(*), count(*) filter (where sides <> 2 or sum <> 0)
		from (select count(*) as sides, sum(amount) as sum from accounting.entries group by transfer) t`).Scan(&transfers, &unbalanced))
	require.Equal(t, 3, transfers)
	require.Zero(t, unbalanced)
}
