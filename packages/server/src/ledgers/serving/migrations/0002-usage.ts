import type { Migration } from '#engines/database/contract.ts';

/** Usage of endpoints. Times are milliseconds since 1970. */
export const usageTables: Migration = {
  id: '0002-usage',
  sql: `
-- Usage per minute with requests; gateways add to it.
create table serving.usage (
  project_id uuid not null,
  endpoint text collate "C" not null,
  minute bigint not null,
  requests bigint not null,
  -- Null: not available on this system.
  cpu_ms double precision,
  -- Peak memory of its models, and of the gateway, which endpoints share.
  memory_bytes bigint not null,
  gateway_bytes bigint not null,
  primary key (project_id, endpoint, minute)
);
create index usage_oldest on serving.usage (minute);
select dais.protect('serving.usage');
`,
};
