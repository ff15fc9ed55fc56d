import type { Migration } from '#engines/database/contract.ts';

/**
 * Usage records, and the intervals of replicas that have not ended. All times are of the database,
 * except those of queries. The role of the platform may
 * insert, read and, for retention, delete records, but never change one: a correction is another record that names the first.
 */
export const usageTables: Migration = {
  id: '0001-usage',
  sql: `
create table usage.record (
  id uuid primary key default gen_random_uuid(),
  -- Records outlive their project, so the name is stored too.
  project_id uuid not null,
  project text collate "C" not null,
  -- Label "team" of the project.
  team text collate "C",
  -- The name of a user, or service:NAME.
  person text collate "C",
  type text collate "C" not null,
  source text collate "C" not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  quantity numeric(24, 6) not null,
  unit text collate "C" not null,
  resource text collate "C",
  lineage text collate "C",
  node text collate "C",
  requests jsonb not null default '{}',
  -- Requested cores and devices, from requests.
  cores float8 not null default 0,
  devices float8 not null default 0,
  cpu_seconds float8,
  memory_bytes bigint,
  corrects uuid,
  -- Not used yet: the version of the price, the cost in it, and the budget that it counts against.
  price text,
  currency text,
  cost numeric,
  budget text,
  check (ended_at >= started_at)
);
create unique index record_once on usage.record (project_id, type, source) where corrects is null;
create index record_of_project on usage.record (project_id, ended_at desc, id desc);
create index record_newest on usage.record (ended_at desc, id desc);
create index record_of_person on usage.record (person, ended_at desc, id desc) where person is not null;
select dais.protect('usage.record', 'select, insert, delete');

-- What records say about a project, from its manifest.
create table usage.project (
  project_id uuid primary key,
  -- Label "team".
  team text collate "C"
);
select dais.protect('usage.project');

create table usage.open_replica (
  id uuid primary key,
  project_id uuid not null,
  project text collate "C" not null,
  node uuid not null,
  host text collate "C" not null,
  -- Start of the gateway process, as it reports it.
  gateway text collate "C" not null,
  endpoint text collate "C" not null,
  -- Uid of the Endpoint.
  endpoint_uid uuid,
  variant text collate "C" not null,
  slot text collate "C" not null,
  -- Processes of the model, divided by the variants that share them.
  replicas float8 not null,
  started_at timestamptz not null,
  contacted_at timestamptz not null
);
create index open_replica_of_node on usage.open_replica (node);
select dais.protect('usage.open_replica');
`,
};
