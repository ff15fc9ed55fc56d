import type { Migration } from '#engines/database/contract.ts';

/** Where what steps measure is kept: a run of the tracking ledger for each step that has one, whatever its attempts. */
export const trackedRuns: Migration = {
  id: '0003-tracked',
  sql: `
create table executions.tracked (
  node uuid primary key references executions.node (id) on delete cascade,
  run uuid not null,
  project_id uuid not null,
  -- Ids of the other ledger; opaque here.
  tracking_run text collate "C" not null,
  experiment text collate "C" not null,
  -- The step has come to its end, and the other ledger was told.
  ended boolean not null default false
);
create index tracked_open on executions.tracked (run) where not ended;
select dais.protect('executions.tracked');
`,
};
