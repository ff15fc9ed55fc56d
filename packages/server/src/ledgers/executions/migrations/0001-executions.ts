import type { Migration } from '#engines/database/contract.ts';

/**
 * Runs and the state of the state machine: a row for each node of the expanded graph of a run, for each dependency and
 * for each attempt of a step. All times are times of the database.
 */
export const executionTables: Migration = {
  id: '0001-executions',
  sql: `
create table executions.run (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  name text collate "C" not null,
  -- Canonical JSON, immutable.
  plan text not null,
  plan_digest text collate "C" not null,
  inputs jsonb not null,
  state text collate "C" not null default 'pending',
  cancel_requested boolean not null default false,
  priority int not null,
  outputs jsonb,
  error text,
  -- The run that this run retries. Unchanged results of that run are reused.
  retry_of uuid,
  -- Paths of tasks in the plan that run again although they succeeded.
  rerun_tasks text[] not null default '{}',
  -- The code of the run, as the client described it.
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
  -- Path of the task in the plan, without iterations.
  task_path text collate "C" not null,
  -- Name of the task below its parent.
  name text collate "C" not null,
  iteration int,
  kind text collate "C" not null,
  state text collate "C" not null,
  -- Counts of the tasks that this node depends on.
  unfinished_dependencies int not null,
  unsuccessful_dependencies int not null default 0,
  skipped_dependencies int not null default 0,
  -- Counts of its child nodes.
  unfinished_children int not null default 0,
  failed_children int not null default 0,
  canceled_children int not null default 0,
  -- Iterations of a loop: in total, and created so far.
  iterations int not null default 0,
  created_iterations int not null default 0,
  failed_attempts int not null default 0,
  lost_attempts int not null default 0,
  inputs jsonb not null default '{}',
  outputs jsonb not null default '{}',
  error text,
  source text collate "C",
  fingerprint text collate "C",
  priority int not null,
  -- The time when a ready step became ready.
  ready_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  unique (run, path)
);
create index node_ready on executions.node (project_id, priority desc, ready_at, id) where state = 'ready';
create index node_child on executions.node (parent, name);
create index node_open on executions.node (run) where state in ('pending', 'ready', 'delayed', 'running');
select dais.protect('executions.node');

create table executions.edge (
  source uuid not null references executions.node (id) on delete cascade,
  target uuid not null,
  project_id uuid not null,
  primary key (source, target)
);
select dais.protect('executions.edge');

create table executions.attempt (
  -- Also the id in the compute engine.
  id uuid primary key,
  node uuid not null references executions.node (id) on delete cascade,
  run uuid not null,
  project_id uuid not null,
  n int not null,
  -- claimed: the engine may or may not have it; started: the engine has it; ended.
  state text collate "C" not null default 'claimed',
  -- The compute node, and the process that supervises the attempt.
  compute_node text collate "C" not null,
  lease_owner text collate "C" not null,
  -- Fencing token, incremented by each takeover.
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
create index attempt_open on executions.attempt (compute_node, lease_until) where state <> 'ended';
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

-- State transitions of nodes, ordered within their run.
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

-- Locked packages of a run.
create table executions.environment (
  run uuid not null references executions.run (id) on delete cascade,
  spec_digest text collate "C" not null,
  project_id uuid not null,
  lock jsonb not null,
  primary key (run, spec_digest)
);
select dais.protect('executions.environment');

-- Cached results of steps by inputs, command and environment. An entry is deleted with its run.
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
