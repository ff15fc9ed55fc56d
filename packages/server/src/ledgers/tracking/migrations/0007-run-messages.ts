import type { Migration } from '#engines/database/contract.ts';

/**
 * Log messages of runs. As for metrics, rows carry no foreign key to their run. The digest of a message is part of its key:
 * an exporter that repeats a request stores nothing twice.
 */
export const runMessageTables: Migration = {
  id: '0007-run-messages',
  sql: `
create table tracking.run_message (
  run bigint not null,
  -- Nanoseconds since 1970.
  time bigint not null,
  digest bigint not null,
  project_id uuid not null,
  severity smallint not null,
  severity_text text,
  body text not null,
  attributes jsonb,
  logger text,
  trace text collate "C",
  span text collate "C",
  primary key (run, time, digest)
);
select dais.protect('tracking.run_message');

-- Number of messages by run: counting a million rows for each request costs more than storing it.
create table tracking.run_message_count (
  run bigint primary key,
  project_id uuid not null,
  messages bigint not null
);
select dais.protect('tracking.run_message_count');
`,
};
