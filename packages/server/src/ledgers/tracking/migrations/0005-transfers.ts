import type { Migration } from '#engines/database/contract.ts';

/** Multipart uploads and download links of artifacts. Bytes of parts are content of the upload. */
export const transferTables: Migration = {
  id: '0005-transfers',
  sql: `
create table tracking.artifact_upload (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  path text not null,
  -- Number of announced parts.
  parts int not null,
  -- SHA-256 of the upload token.
  ticket bytea not null,
  expires_at timestamptz not null,
  -- The process that completes the upload, and the end of its claim.
  claim uuid,
  claim_until timestamptz,
  -- The result, which a repeated completion returns.
  size bigint,
  sha256 text collate "C"
);
create index artifact_upload_of_project on tracking.artifact_upload (project_id);
create index artifact_upload_expiry on tracking.artifact_upload (expires_at);
select dais.protect('tracking.artifact_upload');

create table tracking.artifact_upload_part (
  upload uuid not null references tracking.artifact_upload (id) on delete cascade,
  number int not null,
  project_id uuid not null,
  size bigint not null,
  sha256 text collate "C" not null,
  primary key (upload, number)
);
select dais.protect('tracking.artifact_upload_part');

create table tracking.artifact_link (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  path text not null,
  -- Digest of the linked bytes. A link never returns other bytes.
  sha256 text collate "C",
  ticket bytea not null,
  expires_at timestamptz not null
);
create index artifact_link_of_project on tracking.artifact_link (project_id);
create index artifact_link_expiry on tracking.artifact_link (expires_at);
select dais.protect('tracking.artifact_link');
`,
};
