import type { Migration } from '#engines/database/contract.ts';

/**
 * Models with their versions. Each model is the record of one Model resource, and has its name; its primary key is a
 * number, because a renamed model becomes another resource. Times are milliseconds since 1970.
 */
export const registryTables: Migration = {
  id: '0001-registry',
  sql: `
create table registry.model (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  -- Of the Model resource.
  uid uuid not null,
  name text collate "C" not null,
  type text collate "C" not null,
  -- Description by a client, used if the resource has none.
  description text,
  spec_description text,
  -- The highest assigned number, including deleted versions.
  last_version int not null default 0,
  created_at bigint not null,
  updated_at bigint not null,
  unique (project_id, name)
);
create index model_uid on registry.model (uid);
select dais.protect('registry.model');

create table registry.model_tag (
  model bigint not null references registry.model (id) on delete cascade,
  key text collate "C" not null,
  project_id uuid not null,
  value text collate "C" not null,
  primary key (model, key)
);
select dais.protect('registry.model_tag');

create table registry.version (
  model bigint not null references registry.model (id) on delete cascade,
  version int not null,
  project_id uuid not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  description text not null,
  source text collate "C" not null,
  artifact_uri text collate "C" not null,
  run_id text collate "C",
  logged_model_id text collate "C",
  run_link text,
  stage text collate "C" not null default 'None',
  primary key (model, version)
);
create index version_stage on registry.version (model, stage, version desc);
create index version_run on registry.version (project_id, run_id) where run_id is not null;
create index version_updated on registry.version (project_id, updated_at desc);
select dais.protect('registry.version');

create table registry.version_tag (
  model bigint not null,
  version int not null,
  key text collate "C" not null,
  project_id uuid not null,
  value text collate "C" not null,
  primary key (model, version, key),
  foreign key (model, version) references registry.version (model, version) on delete cascade
);
select dais.protect('registry.version_tag');

create table registry.alias (
  model bigint not null,
  alias text collate "C" not null,
  project_id uuid not null,
  version int not null,
  primary key (model, alias),
  foreign key (model, version) references registry.version (model, version) on delete cascade
);
create index alias_version on registry.alias (model, version);
select dais.protect('registry.alias');

create table registry.approval (
  model bigint not null,
  -- Among the approvals of its model.
  number int not null,
  project_id uuid not null,
  version int not null,
  -- One of both.
  alias text collate "C",
  stage text collate "C",
  state text collate "C" not null,
  move_when_approved boolean not null,
  reason text not null,
  requested_by jsonb not null,
  requested_at bigint not null,
  primary key (model, number),
  foreign key (model, version) references registry.version (model, version) on delete cascade
);
create index approval_version on registry.approval (model, version);
create index approval_requested on registry.approval (project_id, requested_at desc, model desc, number desc);
create unique index approval_pending on registry.approval (model, version, coalesce(alias, ''), coalesce(stage, ''))
  where state = 'pending';
select dais.protect('registry.approval');

create table registry.approval_decision (
  model bigint not null,
  approval int not null,
  seq bigint generated always as identity,
  project_id uuid not null,
  by jsonb not null,
  at bigint not null,
  decision text collate "C" not null,
  reason text not null,
  -- Requested teams of which the decider was a member at that time.
  teams text[] not null,
  primary key (model, approval, seq),
  foreign key (model, approval) references registry.approval (model, number) on delete cascade
);
select dais.protect('registry.approval_decision');
`,
};
