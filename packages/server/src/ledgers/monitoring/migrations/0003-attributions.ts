import type { Migration } from '#engines/database/contract.ts';

/** Feature attributions. Times are milliseconds since 1970. */
export const monitoringAttributions: Migration = {
  id: '0003-attributions',
  sql: `
-- As a report has them.
alter table monitoring.window add column attributions jsonb;

-- Mean sizes of attributions over rows of a baseline: worked out once for each version.
create table monitoring.attribution (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Of which version, which rows, and how many of them.
  key text collate "C" not null,
  -- {name, rows, method, scale, background, sizes}
  about jsonb not null,
  created_at bigint not null,
  unique (monitor, key)
);
select dais.protect('monitoring.attribution');
`,
};
