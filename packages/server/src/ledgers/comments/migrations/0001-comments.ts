import type { Migration } from '#engines/database/contract.ts';

/** What people say of records. Times are milliseconds since 1970. */
export const commentTables: Migration = {
  id: '0001-comments',
  sql: `
create table comments.comment (
  -- Made in the order of time: the order in which comments are read.
  id uuid primary key,
  project_id uuid not null,
  -- What it is about, by a key that stays when the thing gets another name.
  subject text collate "C" not null,
  author jsonb not null,
  body text not null,
  mentions text[] not null,
  links text[] not null,
  created_at bigint not null,
  edited_at bigint
);
create index comment_subject on comments.comment (project_id, subject, id);
select dais.protect('comments.comment');

-- Whom each names: a row for each of them, because row security lets no search in a list reach an index.
create table comments.mention (
  project_id uuid not null,
  user_name text collate "C" not null,
  comment uuid not null references comments.comment (id) on delete cascade,
  -- By the one who is named.
  read boolean not null default false,
  primary key (project_id, user_name, comment)
);
create index mention_comment on comments.mention (comment);
create index mention_unread on comments.mention (project_id, user_name, comment) where not read;
select dais.protect('comments.mention');
`,
};
