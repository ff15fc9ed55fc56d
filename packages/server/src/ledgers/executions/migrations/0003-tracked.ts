import type { Migration } from '#engines/database/contract.ts';

/** Tracked runs of steps: one run of the tracking ledger per step, for all its attempts. */
export const trackedRuns: Migration = {
  id: '0003-tracked',
  sql: `
create table executions.tracked (
  node uuid primary key references executions.node (id) on delete cascade,
  run uuid not null,
  project_id uuid not null,
  -- Ids of the tracking ledger, opaque here.
  tracking_run text collate "C" not null,
  experiment text collate "C" not null,
  -- Whether the step has ended and the tracking ledger was notified.
  ended boolean not null default false
);
create index tracked_open on executions.tracked (run) where not ended;
select dais.protect('executions.tracked');
`,
};
