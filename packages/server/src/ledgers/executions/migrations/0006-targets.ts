import type { Migration } from '#engines/database/contract.ts';

/** Compute targets outside of the machines of the server, the target of each step, and what attempts wait for. */
export const targets: Migration = {
  id: '0006-targets',
  sql: `
-- The targets that are not of the type process, from their manifests; independent of projects.
create table executions.target (
  uid uuid primary key,
  name text collate "C" not null unique,
  -- Maximum number of steps at the same time.
  max_tasks int not null,
  -- The newest probe, and the generation of the manifest that it tested.
  report jsonb,
  probed_generation bigint,
  probed_at timestamptz
);
grant select, insert, update, delete on executions.target to dais_app;

-- Name of the target; '' is the machines of the server.
alter table executions.node add column target text collate "C" not null default '';
create index node_queue on executions.node (target, project_id, priority desc, ready_at, id) where state = 'ready';
-- What the attempt waits for, as its target reports it.
alter table executions.attempt add column note text;
`,
};
