import type { Migration } from '#engines/database/contract.ts';

/** State, windows, alerts and decisions of monitors. Times are milliseconds since 1970. */
export const monitoringTables: Migration = {
  id: '0001-monitoring',
  sql: `
-- The state of each Monitor, created by its admission.
create table monitoring.monitor (
  uid uuid primary key,
  project_id uuid not null,
  name text collate "C" not null,
  endpoint text collate "C",
  dataset text collate "C",
  suspended boolean not null,
  -- With all defaults.
  spec jsonb not null,
  -- Start of the next window: a time, and for windows by count the last prediction before it.
  cursor_at bigint not null,
  cursor_id uuid,
  -- For datasets: number of the last evaluated version.
  cursor_version int not null default 0,
  -- Number of the newest window.
  number int not null default 0,
  -- Inputs in earlier windows, by model version: {"flights/7": ["distance", …]}.
  known_inputs jsonb not null default '{}',
  -- Consecutive windows by check: {"drift": {"failing": 2, "passing": 0}}.
  streaks jsonb not null default '{}',
  -- Id of the newest evaluated label.
  last_label uuid,
  state text collate "C" not null default 'pending',
  reason text,
  -- Description of the baseline.
  baseline text,
  -- Error of the last evaluation.
  error text,
  next_check_at timestamptz not null default clock_timestamp(),
  unique (project_id, name)
);
create index monitor_due on monitoring.monitor (next_check_at) where not suspended;
select dais.protect('monitoring.monitor');

-- Baselines of windows: summaries of columns, computed once.
create table monitoring.baseline (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Source of the rows: 'dataset-version:…', 'window:…', 'first'.
  key text collate "C" not null,
  -- {type, name, rows, node}
  details jsonb not null,
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
  -- The baseline at the time of the evaluation.
  baseline_details jsonb,
  results jsonb not null,
  examples jsonb not null default '[]',
  notes jsonb not null default '[]',
  performance jsonb,
  -- Sums that later windows need: {requests, failed} by check, score counts.
  sums jsonb not null default '{}',
  labeled bigint not null default 0,
  label_count bigint not null default 0,
  -- Whether more ground truth can arrive.
  awaiting_labels boolean not null default false,
  evaluated_at bigint not null,
  labels_at bigint,
  unique (monitor, number)
);
create index window_awaiting_labels on monitoring.window (monitor, number) where awaiting_labels;
select dais.protect('monitoring.window');

-- Summaries of each column of a window, which is read only once.
create table monitoring.column (
  "window" uuid not null references monitoring.window (id) on delete cascade,
  project_id uuid not null,
  side text collate "C" not null,
  name text collate "C" not null,
  family text collate "C" not null,
  masked boolean not null,
  summary jsonb not null,
  -- The baseline that defines the bin edges.
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
  -- Whether a notification was sent.
  notified boolean not null default false,
  -- Whether notifications were suppressed, because the monitor is silenced.
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
