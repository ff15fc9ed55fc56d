import type { Migration } from '#engines/database/contract.ts';

/** Comments on records. Times are milliseconds since 1970. */
export const commentTables: Migration = {
  id: '0001-comments',
  sql: `
create table comments.comment (
  -- UUIDv7, ordered by time, which is the order of comments.
  id uuid primary key,
  project_id uuid not null,
  -- Stable key of the subject, independent of its name.
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

-- Mentioned users: one row each, because row-level security prevents the use of an index on an array.
create table comments.mention (
  project_id uuid not null,
  user_name text collate "C" not null,
  comment uuid not null references comments.comment (id) on delete cascade,
  -- Whether the mentioned user has read it.
  read boolean not null default false,
  primary key (project_id, user_name, comment)
);
create index mention_comment on comments.mention (comment);
create index mention_unread on comments.mention (project_id, user_name, comment) where not read;
select dais.protect('comments.mention');
`,
};
