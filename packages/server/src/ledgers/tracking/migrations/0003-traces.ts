import type { Migration } from '#engines/database/contract.ts';

/**
 * Traces. Tags and metadata are columns of the trace, because separate tables would double the cost of a trace. Spans are
 * stored in batches: one row per trace and request, with an array for each searchable field and the rest as text. One row
 * per span costs ten times as much.
 */
export const traceTables: Migration = {
  id: '0003-traces',
  sql: `
create table tracking.trace (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id),
  requested_at bigint not null,
  -- Milliseconds; null while the trace is in progress.
  duration bigint,
  state text collate "C" not null,
  -- Whether the client has sent the trace info, which then takes precedence over the spans.
  info_received boolean not null,
  client_request_id text collate "C",
  request_preview text,
  response_preview text,
  -- The source run, from the metadata.
  run text collate "C",
  metadata jsonb not null,
  tags jsonb not null,
  usage jsonb,
  cost jsonb,
  spans int not null,
  unique (project_id, id)
);
create index trace_requested on tracking.trace (experiment, requested_at desc, id);
create index trace_source_run on tracking.trace (project_id, run) where run is not null;
select dais.protect('tracking.trace');

create table tracking.trace_spans (
  trace bigint not null references tracking.trace (num) on delete cascade,
  seq bigint generated always as identity,
  project_id uuid not null,
  -- One element per span, in the same order. Times are in nanoseconds; 0: in progress. Empty parent: root span.
  ids text[] not null,
  parents text[] not null,
  names text[] not null,
  types text[] not null,
  states text[] not null,
  starts bigint[] not null,
  ends bigint[] not null,
  texts text[] not null,
  -- Token counts and costs by span id; null without any.
  amounts jsonb,
  primary key (trace, seq)
);
select dais.protect('tracking.trace_spans');

create table tracking.trace_run (
  trace bigint not null references tracking.trace (num) on delete cascade,
  run text collate "C" not null,
  project_id uuid not null,
  primary key (trace, run)
);
create index trace_run_run on tracking.trace_run (project_id, run);
select dais.protect('tracking.trace_run');

-- Links to traces that had not arrived: clients send spans in the background.
create table tracking.early_trace_run (
  project_id uuid not null,
  trace text collate "C" not null,
  run text collate "C" not null,
  primary key (project_id, trace, run)
);
select dais.protect('tracking.early_trace_run');

create table tracking.trace_prompt (
  trace bigint not null references tracking.trace (num) on delete cascade,
  -- NAME/VERSION.
  prompt text collate "C" not null,
  project_id uuid not null,
  primary key (trace, prompt)
);
create index trace_prompt_prompt on tracking.trace_prompt (project_id, prompt);
select dais.protect('tracking.trace_prompt');

create table tracking.assessment (
  trace bigint not null references tracking.trace (num) on delete cascade,
  -- Order of arrival. Times are of the client, which makes several assessments before it sends the first.
  seq bigint generated always as identity,
  id text collate "C" not null,
  project_id uuid not null,
  name text collate "C" not null,
  kind text collate "C" not null,
  -- JSON text, which preserves the format of numbers.
  value text collate "C",
  error jsonb,
  span text collate "C",
  source_type text not null,
  source_id text not null,
  rationale text,
  metadata jsonb not null,
  overrides text collate "C",
  valid boolean not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (trace, id)
);
select dais.protect('tracking.assessment');
`,
};
