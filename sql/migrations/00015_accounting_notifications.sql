-- +goose Up

-- What a person wants to be told of their account beside the mail, which is always sent: see tracker.notification_settings.
create table accounting.notification_settings (
    person   uuid primary key,
    version  bigint not null check (version > 0),
    off      text[] not null check (off <@ array['daily_balance/inbox']),
    language text not null check (language in ('en', 'ru'))
);

-- The daily balance is shown in the inbox as well. Inbox rows are unread or read; the states of mails stay as they were.
alter table accounting.messages
    drop constraint messages_channel_check,
    drop constraint messages_state_check,
    add constraint messages_channel_check check (channel in ('inbox', 'mail')),
    add constraint messages_state_check check (case channel when 'inbox' then state in ('unread', 'read')
        else state in ('waiting', 'sending', 'sent', 'refused', 'kept') end);
create index messages_inbox on accounting.messages (person, noted_at desc, id desc) where channel = 'inbox';
create index messages_unread on accounting.messages (person, noted_at desc, id desc) where channel = 'inbox' and state = 'unread';
create index messages_mails on accounting.messages (noted_at desc, id desc) where channel = 'mail';
