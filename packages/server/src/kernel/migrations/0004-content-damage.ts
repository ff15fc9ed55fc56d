import type { Migration } from '#engines/database/contract.ts';

/** Which stored objects are damaged, and how far the scrub of all stored objects is. */
export const contentDamageTables: Migration = {
  id: '0004-content-damage',
  sql: `
create table kernel.blob_damage (
  locator text collate "C" primary key references kernel.blob (locator) on delete cascade,
  kind text not null check (kind in ('missing', 'truncated', 'altered', 'unreadable')),
  found_at timestamptz not null default clock_timestamp()
);

-- CRC-32 of the chunks of large objects: see engines/blobs/chunk-sums.ts.
create table kernel.blob_sums (
  locator text collate "C" primary key references kernel.blob (locator) on delete cascade,
  sums bytea not null
);
grant select, insert, update, delete on kernel.blob_damage, kernel.blob_sums to dais_app;

-- One row: the current pass of the scrub, or the last one when finished_at is set.
create table kernel.content_scrub (
  id boolean primary key default true check (id),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- The locator up to which this pass has checked all objects.
  position text collate "C" not null default '',
  objects bigint not null default 0,
  bytes bigint not null default 0,
  found bigint not null default 0,
  -- Totals at the start of the pass.
  total_objects bigint not null default 0,
  total_bytes bigint not null default 0
);
grant select, insert, update, delete on kernel.content_scrub to dais_app;

-- Sums over all passes, for metrics.
create table kernel.content_checked (
  id boolean primary key default true check (id),
  objects bigint not null default 0,
  bytes bigint not null default 0
);
insert into kernel.content_checked default values;
grant select, insert, update, delete on kernel.content_checked to dais_app;
`,
};
