-- name: AccountingNotificationSettings :one
-- What somebody has chosen to be told; no row when they never have.
select version, off, language from accounting.notification_settings where person = @person;

-- name: ChooseAccountingNotifications :execrows
-- Keeps what somebody chose, if they saw the newest version. 0 rows: they did not.
insert into accounting.notification_settings as s (person, version, off, language)
select @person, sqlc.arg(seen)::bigint + 1, @off, @language
where sqlc.arg(seen)::bigint = coalesce((select o.version from accounting.notification_settings o where o.person = @person), 0)
on conflict (person) do update set version = excluded.version, off = excluded.off, language = excluded.language
where s.version = excluded.version - 1;
