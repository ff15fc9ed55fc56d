import type { Migration } from '#engines/database/contract.ts';

/** State, windows, alerts and decisions of monitors. Times are milliseconds since 1970. */
export const monitoringTables: Migration = {
  id: '0001-monitoring',
  sql: `
-- Beside each Monitor, written by its admission: how far it has come.
create table monitoring.monitor (
  uid uuid primary key,
  project_id uuid not null,
  name text collate "C" not null,
  endpoint text collate "C",
  dataset text collate "C",
  suspended boolean not null,
  -- With every default filled in.
  spec jsonb not null,
  -- Where the next window begins: a time, and of windows by count the last prediction before it.
  cursor_at bigint not null,
  cursor_id uuid,
  -- Of a dataset: number of the version that was judged last.
  cursor_version int not null default 0,
  -- Of the newest window.
  number int not null default 0,
  -- Inputs that windows had, by what answered: {"flights/7": ["distance", …]}.
  known jsonb not null default '{}',
  -- Windows in a row by check: {"drift": {"failing": 2, "good": 0}}.
  streaks jsonb not null default '{}',
  -- Of labels, the newest one that was looked at.
  labels_seen uuid,
  state text collate "C" not null default 'pending',
  reason text,
  -- What is compared with, in words.
  baseline text,
  -- Why it could not be judged at the last look.
  fault text,
  look_at timestamptz not null default clock_timestamp(),
  unique (project_id, name)
);
create index monitor_due on monitoring.monitor (look_at) where not suspended;
select dais.protect('monitoring.monitor');

-- What windows are compared with: read once, then known by its figures.
create table monitoring.baseline (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Which rows it is of: 'dataset-version:…', 'window:…', 'first'.
  key text collate "C" not null,
  -- {type, name, rows, node}
  about jsonb not null,
  -- [{side, name, family, masked, summary}]
  fields jsonb not null,
  created_at bigint not null,
  unique (monitor, key)
);
select dais.protect('monitoring.baseline');

create table monitoring.window (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  number int not null,
  from_at bigint not null,
  until_at bigint not null,
  rows bigint not null,
  requests bigint not null,
  status text collate "C" not null,
  reason text,
  versions jsonb not null default '[]',
  dataset_version text,
  baseline uuid,
  -- As it was told then.
  baseline_about jsonb,
  results jsonb not null,
  examples jsonb not null default '[]',
  notes jsonb not null default '[]',
  performance jsonb,
  -- Sums that later windows need: {requests, bad} by check, score counts.
  sums jsonb not null default '{}',
  labeled bigint not null default 0,
  label_count bigint not null default 0,
  -- Labels are waited for.
  awaits boolean not null default false,
  evaluated_at bigint not null,
  labels_at bigint,
  unique (monitor, number)
);
create index window_awaits on monitoring.window (monitor, number) where awaits;
select dais.protect('monitoring.window');

-- What was counted of each column: no window is read twice.
create table monitoring.column (
  "window" uuid not null references monitoring.window (id) on delete cascade,
  project_id uuid not null,
  side text collate "C" not null,
  name text collate "C" not null,
  family text collate "C" not null,
  masked boolean not null,
  summary jsonb not null,
  -- The baseline whose edges it was counted between.
  baseline uuid,
  primary key ("window", side, name)
);
select dais.protect('monitoring.column');

create table monitoring.alert (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  monitor_name text collate "C" not null,
  "check" text collate "C" not null,
  severity text collate "C" not null,
  state text collate "C" not null default 'open',
  title text not null,
  reason text not null,
  columns jsonb not null default '[]',
  first_window int not null,
  last_window int not null,
  windows int not null default 1,
  raised_at bigint not null,
  resolved_at bigint,
  -- Somebody was told of it.
  told boolean not null default false,
  -- Nobody was, because the monitor is silent.
  silenced boolean not null default false,
  acknowledged_by jsonb,
  acknowledged_at bigint,
  note text,
  model text,
  version text,
  trained_on text,
  nodes jsonb not null default '[]',
  deliveries jsonb not null default '[]'
);
create unique index alert_open on monitoring.alert (monitor, "check") where state = 'open';
create index alert_newest on monitoring.alert (project_id, id desc);
create index alert_of_monitor on monitoring.alert (monitor, id desc);
select dais.protect('monitoring.alert');

create table monitoring.decision (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  monitor_name text collate "C" not null,
  alert uuid not null unique,
  "check" text collate "C" not null,
  at bigint not null,
  pipeline text not null,
  outcome text collate "C" not null,
  reason text not null,
  run uuid,
  model text collate "C",
  version text
);
create index decision_of_monitor on monitoring.decision (monitor, id desc);
create index decision_of_model on monitoring.decision (project_id, model, id desc);
select dais.protect('monitoring.decision');
`,
};
