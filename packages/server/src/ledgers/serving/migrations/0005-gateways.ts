import type { Migration } from '#engines/database/contract.ts';

/** What gateways of all nodes report. Times are milliseconds since 1970, of the database. */
export const gatewayTables: Migration = {
  id: '0005-gateways',
  sql: `
-- Requests per gateway and minute. A control process writes the counts of its gateway as a whole: a repeated write changes
-- nothing. \`writer\` is its start, so that a restarted process does not overwrite the counts of the earlier one.
create table serving.gateway_minute (
  project_id uuid not null,
  endpoint text collate "C" not null,
  minute bigint not null,
  node uuid not null,
  writer uuid not null,
  variant text collate "C" not null,
  -- Key of the model in gateways.
  model text collate "C" not null,
  requests bigint not null,
  failed bigint not null,
  -- [[bucket, requests], ...]
  latency jsonb not null,
  primary key (project_id, endpoint, minute, node, writer, variant, model)
);
create index gateway_minute_oldest on serving.gateway_minute (minute);
select dais.protect('serving.gateway_minute');

-- The last report of the gateway of each node, if there are several nodes. Null: its gateway does not run.
create table serving.gateway_report (
  node uuid primary key,
  report jsonb,
  updated_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on serving.gateway_report to dais_app;

-- Default of a field that was added to the manifest later.
update serving.endpoint set spec = jsonb_set(spec, '{rollout,gatewaySeconds}', '120')
where spec->'rollout' is not null and spec->'rollout'->'gatewaySeconds' is null;
`,
};
