import type { Migration } from '#engines/database/contract.ts';

/** Feature attributions. Times are milliseconds since 1970. */
export const monitoringAttributions: Migration = {
  id: '0003-attributions',
  sql: `
-- In the format of reports.
alter table monitoring.window add column attributions jsonb;

-- Mean absolute attributions over the rows of a baseline, computed once per version.
create table monitoring.attribution (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Model version, rows and their number.
  key text collate "C" not null,
  -- {name, rows, method, scale, background, sizes}
  details jsonb not null,
  created_at bigint not null,
  unique (monitor, key)
);
select dais.protect('monitoring.attribution');
`,
};
