import type { Slice } from '#engines/database/contract.ts';

/**
 * One row for each entity of a view. The fill factor leaves room for the new state of a row beside the old one, so that
 * a write of a row that is there touches no index.
 */
export const onlineSlice: Slice = {
  schema: 'online',
  migrations: [
    {
      id: '0001-online',
      sql: `
create table online.value (
  -- Uid of the FeatureView: unique beyond its project.
  view uuid not null,
  key bytea not null,
  project_id uuid not null,
  -- Microseconds since 1970.
  event_time bigint not null,
  created_time bigint not null,
  value bytea not null,
  primary key (view, key)
) with (fillfactor = 80);
-- Packed already.
alter table online.value alter column value set storage external;
select dais.protect('online.value');
`,
    },
  ],
};
