-- +goose Up

-- What people see of their own sessions: a name to end one by, and the browser that it was begun with, as it calls itself.
alter table auth.sessions
    add column id         uuid not null default gen_random_uuid(),
    add column user_agent text not null default '';
create unique index sessions_by_id on auth.sessions (id);
