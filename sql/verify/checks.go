package verify

// busy are the subjects of events that some job has still to react to. An event and its jobs are committed together, and so are
// a job's work and its end: in one snapshot, what is not done and not busy was forgotten.
const busy = `busy (subject) as materialized (
	select distinct e.subject from river.river_job j
	join log.events e on e.batch = (j.args ->> 'batch')::uuid and e.position between (j.args ->> 'first')::bigint and (j.args ->> 'last')::bigint
	where j.state not in ('completed', 'cancelled', 'discarded') and j.args ? 'batch'
)`

// daySums are two parts of the statement: day_sums is what the ledger says of each wallet and day, and last_closings what each wallet was left with the last time. The ledger is
// read in the order in which it lies there: by an index every entry would be a page to fetch.
const daySums = `day_sums as materialized (
	select wallet, day, count(*) as entries, coalesce(sum(amount) filter (where kind = 'fee'), 0) as fees, coalesce(sum(amount) filter (where kind = 'reward'), 0) as rewards,
		coalesce(sum(amount) filter (where kind = 'reset'), 0) as reset, coalesce(sum(amount) filter (where kind = 'payout'), 0) as paid
	from (` + ledger + `) t group by wallet, day
), last_closings as materialized (
	select distinct on (wallet) wallet, day, carried from accounting.closings order by wallet, day desc
)`

// ledger keeps the planner from reading transfers in the order of an index.
const ledger = `select * from accounting.transfers offset 0`

const (
	transfers = `select count(*) from accounting.transfers`
	wallets   = `select count(*) from accounting.accounts where kind = 'wallet'`
	tasks     = `select count(*) from tracker.tasks`
	closings  = `select count(*) from accounting.closings`
)

// words are a Jira id and a title as one, which a task of before has in its description.
func words(table string) string {
	return "coalesce('[' || " + table + ".jira_id || '] - ', '') || " + table + ".description"
}

// checks are section by section what the specification promises. Each broken query selects one column of text.
var checks = []Check{
	// The ledger.
	{Name: "all entries sum to zero", looked: `select count(*) from accounting.entries`,
		broken: `select sum(amount)::text from accounting.entries having sum(amount) <> 0`},
	{Name: "a wallet is the sum of its entries", looked: wallets,
		broken: `select a.id::text from accounting.accounts a left join (select account, sum(amount) as sum from accounting.entries group by account) e on e.account = a.id
			where a.kind = 'wallet' and a.balance <> coalesce(e.sum, 0)`},
	{Name: "a running balance is the sum so far", looked: transfers,
		broken: `select id::text from (select id, balance, sum(case when debit = wallet then -amount when credit = wallet then amount else 0 end)
				over (partition by wallet order by version) as so_far from (` + ledger + `) l) t where balance <> so_far`},
	{Name: "an entry names an event of the log", looked: transfers,
		broken: `select x.id::text from accounting.transfers x where not exists (select 1 from log.events e where e.id = x.event)`},
	{Name: "a fee is charged to whom its event names", looked: `select count(*) from accounting.transfers where kind = 'fee'`,
		broken: `select x.id::text from accounting.transfers x join log.events e on e.id = x.event where x.kind = 'fee' and x.wallet::text <> e.data ->> 'assignee'`},

	// Tasks and their prices.
	{Name: "the fees of a task are its assignments", looked: tasks,
		broken: `select t.id::text from tracker.tasks t left join (select task, count(*) as n from (` + ledger + `) l where kind = 'fee' group by task) x on x.task = t.id
			where t.assignment <> coalesce(x.n, 0) and not exists (select 1 from busy where subject = t.id)`},
	{Name: "the rewards of a task are 1 when it is resolved, else 0", looked: tasks,
		broken: `select t.id::text from tracker.tasks t left join (select task, count(*) as n from (` + ledger + `) l where kind = 'reward' group by task) x on x.task = t.id
			where (t.status = 'resolved')::int <> coalesce(x.n, 0) and not exists (select 1 from busy where subject = t.id)`},
	{Name: "a reward goes to the assignee", looked: `select count(*) from accounting.transfers where kind = 'reward'`,
		broken: `select x.id::text from accounting.transfers x join tracker.tasks t on t.id = x.task where x.kind = 'reward' and x.wallet <> t.assignee`},
	{Name: "a transfer moves its task's price", looked: `select count(*) from accounting.transfers where kind in ('fee', 'reward')`,
		broken: `select x.id::text from accounting.transfers x join accounting.tasks t on t.id = x.task
			where x.kind in ('fee', 'reward') and x.amount <> case x.kind when 'fee' then t.fee else t.reward end`},
	{Name: "fees are 10 to 20 whole units, rewards 20 to 40", looked: `select count(*) from accounting.tasks`,
		broken: `select id::text from accounting.tasks where fee % unit <> 0 or reward % unit <> 0 or fee / unit not between 10 and 20 or reward / unit not between 20 and 40`},
	{Name: "both ends of both prices occur", looked: `select count(*) from accounting.tasks`, informs: true,
		broken: `select missing.what from (values ('fee 10', 10, true), ('fee 20', 20, true), ('reward 20', 20, false), ('reward 40', 40, false)) missing (what, price, is_fee)
			where not exists (select 1 from accounting.tasks t where case when is_fee then t.fee else t.reward end = missing.price * t.unit)`},
	{Name: "a price is the one that was told first", looked: `select count(*) from log.events where name = 'Task.Priced'`,
		broken: `select e.id::text from log.events e left join accounting.tasks t on t.id = e.subject
			where e.name = 'Task.Priced' and ((e.data ->> 'fee')::bigint, (e.data ->> 'reward')::bigint) is distinct from (t.fee, t.reward)`},
	{Name: "the database refuses to change prices, ledger, closed days, files and log", looked: `select count(*) from (` + guards + `) g`,
		broken: `select g.relation || ': ' || g.name from (` + guards + `) g where not exists (
			select 1 from pg_trigger t where t.tgrelid = to_regclass(g.relation) and t.tgname = g.name and t.tgenabled in ('O', 'A'))`},
	{Name: "no event was changed, deleted or slipped in since it was sealed", looked: `select coalesce(sum(row_count), 0) from log.seals`,
		broken: sealed("log", "events", "position")},
	{Name: "no transfer was changed, deleted or slipped in since it was sealed", looked: `select coalesce(sum(row_count), 0) from accounting.seals`,
		broken: sealed("accounting", "transfers", "id")},
	{Name: "an open task was drawn for an active worker", looked: `select count(*) from tracker.tasks where status = 'open'`,
		broken: drawnForOthers},

	// The business day.
	{Name: "a closed day is the sum of its entries", looked: closings,
		broken: `select c.wallet || ' ' || c.day from accounting.closings c left join day_sums s on s.wallet = c.wallet and s.day = c.day
			where (c.fees, c.rewards, c.payout) <> (coalesce(s.fees, 0), coalesce(s.rewards, 0), coalesce(s.reset, 0))`},
	{Name: "a day opens with the debt of the day before", looked: closings,
		broken: `select c.wallet || ' ' || c.day from accounting.closings c left join accounting.closings p on p.wallet = c.wallet and p.day = c.day - 1 where c.opening <> coalesce(p.carried, 0)`},
	{Name: "a wallet at the cut of a day is what is carried over, 0 or less", looked: closings,
		broken: `select wallet || ' ' || day from (select wallet, day, carried, sum(rewards - fees - payout) over (partition by wallet order by day) as at_cut from accounting.closings) c
			where at_cut <> carried or at_cut > 0`},
	{Name: "a wallet is what its closed days left and what came since", looked: wallets,
		broken: `select a.id::text from accounting.accounts a
			left join last_closings c on c.wallet = a.id
			left join (select d.wallet, sum(d.rewards - d.fees) as since from day_sums d left join last_closings l on l.wallet = d.wallet
				where d.day > coalesce(l.day, '-infinity') group by d.wallet) s on s.wallet = a.id
			where a.kind = 'wallet' and a.balance <> coalesce(c.carried, 0) + coalesce(s.since, 0)`},
	{Name: "every day before a closed one is closed", looked: `select count(*) from accounting.days`,
		broken: `select d.day::text from accounting.days d where d.status <> 'closed' and exists (select 1 from accounting.days l where l.day > d.day and l.status = 'closed')`},
	{Name: "a closed day has closed every wallet of that time", looked: `select count(*) from accounting.days where status = 'closed'`,
		broken: `select p.day || ' part ' || p.part from accounting.day_parts p join accounting.days d on d.day = p.day where d.status = 'closed' and p.closed_at is null`},
	{Name: "paid and pending are the positive balances", looked: `select count(*) from accounting.transfers where kind = 'reset'`,
		broken: `select paid || ' paid, ' || pending || ' pending, ' || positive || ' positive' from (select
				(select coalesce(sum(amount), 0) from accounting.transfers where kind = 'payout') as paid,
				(select coalesce(sum(amount), 0) from accounting.entries where account = '00000000-0000-0000-0000-000000000003') as pending,
				(select coalesce(sum(payout), 0) from accounting.closings) as positive) s where paid + pending <> positive`},
	{Name: "a payout is what was reset", looked: `select count(*) from accounting.transfers where kind = 'payout'`,
		broken: `select p.id::text from accounting.transfers p where p.kind = 'payout'
			and not exists (select 1 from accounting.transfers r where r.kind = 'reset' and (r.wallet, r.day, r.amount) = (p.wallet, p.day, p.amount))`},
	{Name: "a payout file holds payouts that are booked", looked: `select count(*) from accounting.payout_files`,
		broken: `select f.day::text from accounting.payout_files f left join (select day, sum(amount) as sum from accounting.transfers where kind = 'payout' group by day) p on p.day = f.day
			where f.amount > coalesce(p.sum, 0)`},

	// What people are told.
	{Name: "nobody is told twice", looked: `select (select count(*) from tracker.notifications) + (select count(*) from accounting.messages)`,
		broken: `select min(id)::text from tracker.notifications group by cause, channel, person having count(*) > 1
			union all select min(id)::text from accounting.messages group by person, day, channel having count(*) > 1
			union all select min(id)::text from accounting.messages group by cause, channel, person having count(*) > 1`},
	{Name: "a notification tells of an event to whom it concerns", looked: `select count(*) from tracker.notifications`, broken: toldToOthers},

	// The read models.
	{Name: "the board is what the tasks are", looked: tasks,
		broken: `select coalesce(t.id, b.task)::text from tracker.tasks t full join tracker.board b on b.task = t.id
			where (t.number, ` + words("t") + `, t.status, t.assignee, t.assignment, t.version) is distinct from (b.number, ` + words("b") + `, b.status, b.assignee, b.assignment, b.version)
			and not exists (select 1 from busy where subject = coalesce(t.id, b.task))`},
	{Name: "the board shows the price that is charged", looked: `select count(*) from accounting.tasks`,
		broken: `select coalesce(t.id, b.task)::text from tracker.board b full join accounting.tasks t on t.id = b.task
			where (b.fee, b.reward) is distinct from (t.fee, t.reward) and not exists (select 1 from busy where subject = coalesce(t.id, b.task))`},
	{Name: "the history of a task has all of its events", looked: `select count(*) from log.events where name like 'Task.%'`,
		broken: `select e.id::text from log.events e where e.name like 'Task.%' and not exists (select 1 from tracker.history h where h.event = e.id)
			and not exists (select 1 from busy where subject = e.subject)`},
	{Name: "a daily balance is what the ledger says", looked: `select count(*) from accounting.daily_balances`,
		broken: `select coalesce(d.worker, s.wallet) || ' ' || coalesce(d.day, s.day) from accounting.daily_balances d full join day_sums s on s.wallet = d.worker and s.day = d.day
			where (d.fees, d.rewards, d.payout, d.paid, d.entries) is distinct from (s.fees, s.rewards, s.reset, s.paid, s.entries) and (d.entries, s.entries) is distinct from (0, null)
			and not exists (select 1 from busy where subject = coalesce(d.worker, s.wallet))`},
}

// toldToOthers are notifications of tasks that name no event of their kind, or a person whom it does not concern: who did not get the new
// task, whose task was not resolved by somebody else, or of whose tasks the draw moved none.
const toldToOthers = `select n.id::text from tracker.notifications n
	left join log.events e on e.id = n.cause
	left join log.events a on n.kind = 'task_given' and a.subject = e.subject and a.producer = e.producer and a.subject_version = 2
	left join (
		select d.id as draw, m.person, count(*) filter (where m.given) as given, count(*) filter (where not m.given) as taken
		from log.events d join log.events t on t.correlation_id = d.correlation_id and t.causation_id = d.causation_id and t.name = 'Task.Assigned'
		cross join lateral (values (t.data ->> 'assignee', true), (t.data ->> 'previous', false)) m (person, given)
		where d.name = 'Tasks.Drawn' group by d.id, m.person
	) m on m.draw = n.cause and m.person = n.person::text
	where not coalesce(case n.kind
		when 'task_given' then e.name = 'Task.Created' and a.data ->> 'assignee' = n.person::text
		when 'task_resolved' then e.name = 'Task.Resolved' and e.data ->> 'assignee' = n.person::text and e.data ->> 'resolved_by' <> n.person::text
		else (m.given, m.taken) = (n.given_count, n.taken_count) end, false)`

// guards are the triggers without which the rest of the promises would be habits.
const guards = `select relation, name from (values ('accounting.tasks', 'price_is_final'), ('accounting.tasks', 'price_stays'), ('accounting.transfers', 'append_only'),
	('accounting.closings', 'append_only'), ('accounting.days', 'closed_is_final'), ('accounting.payout_files', 'append_only'),
	('tracker.tasks', 'resolved_is_final'), ('log.events', 'append_only'),
	('log.seals', 'append_only'), ('accounting.seals', 'append_only')) guards (relation, name)`

// drawnForOthers are open tasks whose assignee the log knows, and knows as no active Worker in the minute before the draw: the
// tracker hears of people a moment later than they change.
const drawnForOthers = `select t.id::text from tracker.tasks t
	join log.events e on e.subject = t.id and e.producer = 'tracker' and e.name = 'Task.Assigned' and (e.data ->> 'assignment')::int = t.assignment
	where t.status = 'open'
	and exists (select 1 from log.events u where u.subject = t.assignee and u.producer = 'auth' and u.occurred_at <= e.occurred_at)
	and not exists (
		select 1 from log.events u where u.subject = t.assignee and u.producer = 'auth' and u.occurred_at <= e.occurred_at
		and u.data ->> 'role' = 'worker' and u.data ->> 'status' = 'active'
		and not exists (select 1 from log.events n where n.subject = u.subject and n.producer = 'auth' and n.subject_version = u.subject_version + 1
			and n.occurred_at < e.occurred_at - interval '1 minute'))`
