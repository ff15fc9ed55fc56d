import type { Migration } from '#engines/database/contract.ts';

/**
 * Traces. Of one, tags and metadata lie in its row, because they are written and read with it; a table of their own would
 * double what a trace costs. Its spans lie in rows of many: as they came, one row for each trace of a request, with an
 * array for each thing that a search asks for and the rest as a text. A row for each span costs ten times as much.
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
  -- Milliseconds; null while it is under way.
  duration bigint,
  state text collate "C" not null,
  -- Whether its client has said what is true of all of it: then its spans say nothing of it any more.
  told boolean not null,
  client_request_id text collate "C",
  request_preview text,
  response_preview text,
  -- The run in whose course it was made, as its metadata says.
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
  -- Of each span, in the same order. Times in nanoseconds; 0: under way. A parent that is empty: none.
  ids text[] not null,
  parents text[] not null,
  names text[] not null,
  types text[] not null,
  states text[] not null,
  starts bigint[] not null,
  ends bigint[] not null,
  texts text[] not null,
  -- By id of the span, what it says of tokens and costs; null when none does.
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
  -- Name and version, with a slash between.
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
  -- As JSON text: numbers keep the form that they were written in.
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
