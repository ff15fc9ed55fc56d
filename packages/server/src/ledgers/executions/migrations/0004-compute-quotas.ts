import type { Migration } from '#engines/database/contract.ts';

/** Requests of the step of a node `n` in the plan of its run `r`: path `a/b` is task `b` of the graph of task `a`. */
export const REQUESTS_IN_PLAN = `coalesce(r.plan::jsonb #> (array['tasks']
  || string_to_array(replace(n.task_path, '/', E'\\nbody\\ngraph\\ntasks\\n'), E'\\n') || array['body', 'step', 'resources']), '{}')`;

/** Resource requests of steps, compute quotas of projects, and compute nodes. */
export const computeQuotas: Migration = {
  id: '0004-compute-quotas',
  sql: `
-- Requests of the step, by resource: {"cpu": 2, "nvidia.com/gpu": 1}.
alter table executions.node add column requests jsonb not null default '{}';
-- Admitted requests, including the defaults at that time.
alter table executions.attempt add column requests jsonb not null default '{}';

update executions.node n set requests = ${REQUESTS_IN_PLAN}
  from executions.run r
  where r.id = n.run and n.kind = 'step' and n.state in ('pending', 'ready', 'delayed', 'running');
update executions.attempt a set requests = n.requests
  from executions.node n where n.id = a.node and a.state <> 'ended';

-- Quotas of projects. A project without a row has the defaults of the configuration.
create table executions.quota (
  project_id uuid primary key references kernel.tenant (id) on delete cascade,
  resources jsonb not null,
  running_steps int,
  queued_steps int,
  weight double precision not null
);
select dais.protect('executions.quota');

-- Machines that run steps, independent of projects. Attempts refer to their id.
create table executions.compute_node (
  id text collate "C" primary key,
  name text collate "C" not null,
  resources jsonb not null,
  concurrency int not null,
  seen_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on executions.compute_node to dais_app;

create index node_delayed on executions.node (project_id) where state = 'delayed';
`,
};
