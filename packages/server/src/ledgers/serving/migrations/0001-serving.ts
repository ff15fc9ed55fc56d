import type { Migration } from '#engines/database/contract.ts';

export const servingTables: Migration = {
  id: '0001-serving',
  sql: `
-- What was found out of the files of a model, once for the same files at the same place.
create table serving.model (
  id text collate "C" primary key,
  project_id uuid not null,
  -- As people say it: models:/flights/7.
  label text not null,
  name text collate "C" not null,
  version text collate "C",
  -- Of the registry; of a model that is not registered null.
  lineage_key text collate "C",
  -- Where its files lie among the artifacts of the project.
  artifacts text collate "C" not null,
  -- {files: [{path, digest, bytes}], signature, example, python, requirements}
  described jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
select dais.protect('serving.model');

-- Beside each Endpoint, written by its admission: what is served, which the manifest alone does not say.
create table serving.endpoint (
  uid uuid primary key,
  project_id uuid not null,
  name text collate "C" not null,
  spec jsonb not null,
  -- Grows with each change of this row.
  revision bigint not null default 1,
  stable text collate "C",
  previous text collate "C",
  -- Was rolled back or aborted: not begun again by itself.
  held text collate "C",
  -- Models of the further variants and shadows, by name.
  active jsonb not null default '{}',
  -- Those that are to take their places once they are loaded.
  pending jsonb not null default '{}',
  -- Who wants another model, and how it is to come: {by, cause, canary}
  request jsonb not null
);
select dais.protect('serving.endpoint');

create table serving.rollout (
  id uuid primary key,
  project_id uuid not null,
  endpoint uuid not null references serving.endpoint (uid) on delete cascade,
  endpoint_name text collate "C" not null,
  state text collate "C" not null,
  from_model text collate "C",
  from_label text,
  to_model text collate "C" not null,
  to_label text not null,
  cause text collate "C" not null,
  -- [10, 50, 100]
  weights jsonb not null,
  -- Of the step that is under way; 0 before the first one.
  step int not null default 0,
  automatic boolean not null,
  reason text not null default '',
  started_by text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_by text,
  ended_at timestamptz
);
create unique index rollout_under_way on serving.rollout (endpoint) where ended_at is null;
create index rollout_of_endpoint on serving.rollout (project_id, endpoint_name, id desc);
create index rollout_ended on serving.rollout (ended_at) where ended_at is not null;
select dais.protect('serving.rollout');

create table serving.rollout_step (
  rollout uuid not null references serving.rollout (id) on delete cascade,
  number int not null,
  project_id uuid not null,
  weight float8 not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  -- Counters as the step began, and what was counted in it.
  baseline jsonb,
  stable jsonb,
  canary jsonb,
  status text collate "C" not null default 'pending',
  message text not null default '',
  primary key (rollout, number)
);
select dais.protect('serving.rollout_step');
`,
};
