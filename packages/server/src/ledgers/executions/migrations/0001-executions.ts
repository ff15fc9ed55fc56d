import type { Migration } from '#engines/database/contract.ts';

/**
 * Runs, and everything that the machine of states decides from: a row for each node of a run's graph as it unfolds, one
 * for each who-waits-for-whom, one for each attempt at a step. Every time is the database's.
 */
export const executionTables: Migration = {
  id: '0001-executions',
  sql: `
create table executions.run (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  name text collate "C" not null,
  -- Canonical JSON: never changed after it was written.
  plan text not null,
  plan_digest text collate "C" not null,
  inputs jsonb not null,
  state text collate "C" not null default 'pending',
  cancel_asked boolean not null default false,
  priority int not null,
  outputs jsonb,
  error text,
  -- Runs again what another one did not bring to its end; what that one did is taken over where it is the same.
  retry_of uuid,
  -- Places in the plan that run again although they succeeded.
  again text[] not null default '{}',
  -- The code that it runs, as its sender described it.
  code jsonb,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz
);
create index run_newest on executions.run (project_id, created_at desc, id desc);
create index run_ended on executions.run (ended_at) where ended_at is not null;
select dais.protect('executions.run');

create table executions.node (
  id uuid primary key,
  run uuid not null references executions.run (id) on delete cascade,
  project_id uuid not null,
  parent uuid,
  path text collate "C" not null,
  place text collate "C" not null,
  -- Of the task, below its parent.
  name text collate "C" not null,
  iteration int,
  kind text collate "C" not null,
  state text collate "C" not null,
  waits int not null,
  bad int not null default 0,
  skipped int not null default 0,
  open int not null default 0,
  broken int not null default 0,
  canceled int not null default 0,
  total int not null default 0,
  expanded int not null default 0,
  failures int not null default 0,
  losses int not null default 0,
  inputs jsonb not null default '{}',
  outputs jsonb not null default '{}',
  error text,
  source text collate "C",
  fingerprint text collate "C",
  priority int not null,
  -- Since when it may run; for those that are ready.
  ready_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  unique (run, path)
);
create index node_ready on executions.node (project_id, priority desc, ready_at, id) where state = 'ready';
create index node_child on executions.node (parent, name);
create index node_unbegun on executions.node (run) where state in ('waiting', 'ready', 'delayed', 'running');
select dais.protect('executions.node');

create table executions.edge (
  source uuid not null references executions.node (id) on delete cascade,
  target uuid not null,
  project_id uuid not null,
  primary key (source, target)
);
select dais.protect('executions.edge');

create table executions.attempt (
  -- By this name the compute engine knows it.
  id uuid primary key,
  node uuid not null references executions.node (id) on delete cascade,
  run uuid not null,
  project_id uuid not null,
  n int not null,
  -- claimed: it may or may not be there; started: the engine has it; ended.
  state text collate "C" not null default 'claimed',
  -- The engine that has it, and the process that looks after it.
  place text collate "C" not null,
  holder text collate "C" not null,
  -- Grows with each process that takes it over: what an earlier one says no longer counts.
  epoch bigint not null default 1,
  lease_until timestamptz not null,
  ending text collate "C",
  code int,
  signal text collate "C",
  error text,
  usage jsonb,
  log_bytes bigint,
  claimed_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  unique (node, n)
);
create index attempt_open on executions.attempt (place, lease_until) where state <> 'ended';
create index attempt_running on executions.attempt (project_id) where state <> 'ended';
select dais.protect('executions.attempt');

create table executions.timer (
  id bigint generated always as identity primary key,
  run uuid not null references executions.run (id) on delete cascade,
  node uuid not null,
  project_id uuid not null,
  kind text collate "C" not null,
  due_at timestamptz not null
);
create index timer_due on executions.timer (due_at);
select dais.protect('executions.timer');

-- What happened to whom, in the order in which it happened in its run.
create table executions.transition (
  run uuid not null references executions.run (id) on delete cascade,
  seq bigint generated always as identity,
  project_id uuid not null,
  node uuid not null,
  state text collate "C" not null,
  at timestamptz not null default clock_timestamp(),
  primary key (run, seq)
);
select dais.protect('executions.transition');

-- With which packages a run runs.
create table executions.environment (
  run uuid not null references executions.run (id) on delete cascade,
  spec_digest text collate "C" not null,
  project_id uuid not null,
  lock jsonb not null,
  primary key (run, spec_digest)
);
select dais.protect('executions.environment');

-- What a step with these inputs, this command and this environment gave; what it points at goes with its run.
create table executions.cache_entry (
  project_id uuid not null,
  fingerprint text collate "C" not null,
  node uuid not null references executions.node (id) on delete cascade,
  primary key (project_id, fingerprint)
);
create index cache_node on executions.cache_entry (node);
select dais.protect('executions.cache_entry');
`,
};
