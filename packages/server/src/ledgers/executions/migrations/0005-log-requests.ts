import type { Migration } from '#engines/database/contract.ts';

/** Requests for the live log of a step on another compute node, with their responses. */
export const logRequests: Migration = {
  id: '0005-log-requests',
  sql: `
-- Rows live for seconds. A crash may lose them: the reader asks again.
create unlogged table executions.log_request (
  id uuid primary key,
  compute_node text collate "C" not null,
  attempt uuid not null,
  -- Position of the engine; '' is the start of the log.
  start text collate "C" not null,
  requested_at timestamptz not null default clock_timestamp(),
  -- The response: output after the start and the next position, or why the start is not valid.
  output bytea,
  next text collate "C",
  error text
);
grant select, insert, update, delete on executions.log_request to dais_app;
`,
};
