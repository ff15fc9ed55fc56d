import type { Slice } from '#engines/database/contract.ts';

/**
 * One row per entity of a view. The fill factor leaves space for the new version of a row in the same page, so that an update
 * changes no index.
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
