import type { Migration } from '#engines/database/contract.ts';

export const servingTables: Migration = {
  id: '0001-serving',
  sql: `
-- Descriptions of model files, one per set of files at the same path.
create table serving.model (
  id text collate "C" primary key,
  project_id uuid not null,
  -- Display name: models:/flights/7.
  label text not null,
  name text collate "C" not null,
  version text collate "C",
  -- Lineage key of the registry; null for unregistered models.
  lineage_key text collate "C",
  -- Path of its files in the artifacts of the project.
  artifacts text collate "C" not null,
  -- {files: [{path, digest, bytes}], signature, example, python, requirements}
  description jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
select dais.protect('serving.model');

-- Serving state of each Endpoint, created by its admission.
create table serving.endpoint (
  uid uuid primary key,
  project_id uuid not null,
  name text collate "C" not null,
  spec jsonb not null,
  -- Incremented by each change of this row.
  revision bigint not null default 1,
  stable text collate "C",
  previous text collate "C",
  -- The model of an aborted or rolled back rollout, which is not started automatically.
  rejected text collate "C",
  -- Models of further variants and shadows, by name.
  active jsonb not null default '{}',
  -- Models that replace the active ones after they have loaded.
  pending jsonb not null default '{}',
  -- Requester and method of the requested change: {by, cause, canary}
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
  -- Number of the current step; 0 before the first one.
  step int not null default 0,
  automatic boolean not null,
  reason text not null default '',
  -- Sums over the intervals of all steps, and the result for users.
  evidence jsonb,
  analysis jsonb,
  -- The interval in progress: its start, and the counters of both versions then: {at, from, stable, canary}
  open_interval jsonb,
  started_by text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_by text,
  ended_at timestamptz
);
create unique index rollout_active on serving.rollout (endpoint) where ended_at is null;
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
  -- Sums over the intervals that ended during the step: {stable, canary}
  counts jsonb,
  -- Results for users.
  stable jsonb,
  canary jsonb,
  status text collate "C" not null default 'pending',
  message text not null default '',
  primary key (rollout, number)
);
select dais.protect('serving.rollout_step');

-- Counts of both versions in each interval, from which the evidence can be computed again.
create table serving.rollout_interval (
  rollout uuid not null references serving.rollout (id) on delete cascade,
  -- From 1, over all steps.
  number int not null,
  project_id uuid not null,
  step int not null,
  -- Traffic of the new version in percent.
  weight float8 not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  -- {requests, failed, latency: [[bucket, requests], ...]}
  stable jsonb not null,
  canary jsonb not null,
  primary key (rollout, number)
);
select dais.protect('serving.rollout_interval');
`,
};
