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
`,
};
