import type { Migration } from '#engines/database/contract.ts';

/**
 * References to bytes. A blob is garbage if no project has a hold on it: `blob_hold` counts the references and upload
 * leases per project and blob, so that row-level security never hides a hold from the count, and equal bytes count once
 * per project.
 */
export const contentTables: Migration = {
  id: '0002-content',
  sql: `
-- candidate: possibly without holds; the collector checks it after the grace period. kept: had holds at the last check;
-- the removal of its last hold makes it a candidate. deleting: no new hold is possible.
create table kernel.blob (
  locator text collate "C" primary key,
  -- SHA-256; null until the bytes of a direct upload have been read.
  digest bytea check (length(digest) = 32),
  size bigint not null check (size >= 0),
  state text not null default 'candidate' check (state in ('candidate', 'kept', 'deleting')),
  created_at timestamptz not null default clock_timestamp(),
  touched_at timestamptz not null default clock_timestamp(),
  -- The collector that deletes it, and the end of its claim. Another collector takes over an expired claim.
  claim uuid,
  claim_until timestamptz
);
create index blob_candidate on kernel.blob (touched_at) where state = 'candidate';
create index blob_deleting on kernel.blob (claim_until) where state = 'deleting';
grant select, insert, update, delete on kernel.blob to dais_app;

-- holds = number of rows in blob_ref and upload_lease of this project for this blob; 0 after their removal.
create table kernel.blob_hold (
  project_id uuid not null,
  locator text collate "C" not null references kernel.blob (locator),
  size bigint not null,
  holds bigint not null check (holds >= 0),
  primary key (project_id, locator)
);
create index blob_hold_locator on kernel.blob_hold (locator);
select dais.protect('kernel.blob_hold');

create table kernel.blob_usage (
  project_id uuid primary key,
  bytes bigint not null check (bytes >= 0)
);
select dais.protect('kernel.blob_usage');

create table kernel.blob_ref (
  project_id uuid not null,
  owner uuid not null,
  name text collate "C" not null,
  locator text collate "C" not null references kernel.blob (locator),
  created_at timestamptz not null default clock_timestamp(),
  primary key (project_id, owner, name)
);
create index blob_ref_locator on kernel.blob_ref (locator);
select dais.protect('kernel.blob_ref');

create table kernel.upload_lease (
  id uuid primary key,
  project_id uuid not null,
  locator text collate "C" not null references kernel.blob (locator),
  expires_at timestamptz not null
);
create index upload_lease_locator on kernel.upload_lease (locator);
create index upload_lease_expires on kernel.upload_lease (expires_at);
select dais.protect('kernel.upload_lease');

-- While an entry has not expired, no blob is marked for deletion.
create table kernel.collection_pause (
  id uuid primary key,
  reason text not null,
  expires_at timestamptz not null
);
grant select, insert, update, delete on kernel.collection_pause to dais_app;
`,
};
