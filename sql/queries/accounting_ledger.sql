-- name: OpenWallets :exec
-- Opens a wallet for everybody who has none, as of the time given; one that turns out to have been needed earlier is opened then.
insert into accounting.accounts as a (id, kind, opened_at)
select distinct unnest(@owners::uuid[]) as id, 'wallet', @at::timestamptz order by id
on conflict (id) do update set opened_at = excluded.opened_at where excluded.opened_at < a.opened_at;

-- name: LockWallets :exec
-- Locks wallets until the transaction ends, in one order for everybody, so that bookings wait for one another and never in a circle.
select id from accounting.accounts where id = any(@owners::uuid[]) order by id for no key update;

-- name: PriceTasks :many
-- Gives a price to the tasks that have none and returns those. A price that another transaction is just giving is waited for.
insert into accounting.tasks (id, unit, fee, reward, priced_at)
select unnest(@tasks::uuid[]) as id, @unit, unnest(@fees::bigint[]), unnest(@rewards::bigint[]), @at
order by id
on conflict (id) do nothing
returning id, fee, reward;

-- name: DescribeTasks :exec
-- Adds the number and words of tasks that have their price.
update accounting.tasks t set number = d.number, jira_id = nullif(d.jira_id, ''), description = d.description
from (select unnest(@tasks::uuid[]) as id, unnest(@numbers::bigint[]) as number, unnest(@jira_ids::text[]) as jira_id, unnest(@descriptions::text[]) as description) d
where t.id = d.id;

-- name: ListWalletsOfTasks :many
-- Whose books name one of the tasks.
select distinct wallet from accounting.transfers where task = any(@tasks::uuid[]) order by wallet;

-- name: Book :many
-- Books fees (kind 'fee': from the worker's wallet to fee income) or rewards (kind 'reward': from reward expense to the
-- wallet) and returns the transfers that this call made. A fee or reward that has been booked before is left alone. The
-- wallets must be open and locked, the tasks priced.
with asked as (
    select unnest(@tasks::uuid[]) as task, unnest(@assignments::int[]) as assignment, unnest(@workers::uuid[]) as worker,
           unnest(@events::uuid[]) as event, unnest(@event_names::text[]) as event_name, unnest(@correlations::uuid[]) as correlation, unnest(@actors::uuid[]) as actor,
           unnest(@occurred_at::timestamptz[]) as occurred_at, unnest(@days::date[]) as day
), fresh as (
    select a.*, case when @kind::text = 'fee' then t.fee else t.reward end as amount,
           case when @kind = 'fee' then -t.fee else t.reward end as change
    from asked a join accounting.tasks t on t.id = a.task
    -- Written out for each kind, so that each can use the index of its natural key.
    where not (@kind = 'fee' and exists (select 1 from accounting.transfers x where x.kind = 'fee' and x.task = a.task and x.assignment = a.assignment))
      and not (@kind = 'reward' and exists (select 1 from accounting.transfers x where x.kind = 'reward' and x.task = a.task))
), booked as (
    insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event, event_name, correlation, actor)
    select @kind, case when @kind = 'fee' then f.worker else '00000000-0000-0000-0000-000000000002' end,
           case when @kind = 'fee' then '00000000-0000-0000-0000-000000000001' else f.worker end, f.amount, f.worker,
           w.version + row_number() over (partition by f.worker order by f.occurred_at, f.event),
           w.balance + sum(f.change) over (partition by f.worker order by f.occurred_at, f.event),
           f.task, f.assignment, f.day, f.occurred_at, @booked_at, f.event, f.event_name, f.correlation, nullif(f.actor, '00000000-0000-0000-0000-000000000000')
    from fresh f join accounting.accounts w on w.id = f.worker and w.kind = 'wallet'
    order by f.worker, f.occurred_at, f.event
    returning id, (case when debit = wallet then -amount else amount end)::bigint as change, wallet, version, balance, task, assignment, day, occurred_at, event
), moved as (
    update accounting.accounts w set balance = w.balance + b.change, version = w.version + b.n
    from (select wallet, sum(change)::bigint as change, count(*) as n from booked group by wallet) b
    where w.id = b.wallet
)
select id, change, wallet, version, balance, task::uuid as task, assignment::int as assignment, day, occurred_at, event from booked order by wallet, version;
