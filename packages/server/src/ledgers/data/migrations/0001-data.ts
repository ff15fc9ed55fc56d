import type { Migration } from '#engines/database/contract.ts';

/**
 * Datasets, their versions, and ingests. Each dataset is the record of one Dataset resource. Files are stored once for
 * all versions of a dataset: its `content` owns them, named by their digests. Times are milliseconds since
 * 1970.
 */
export const dataTables: Migration = {
  id: '0001-data',
  sql: `
create table data.dataset (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  -- Of the Dataset resource.
  uid uuid not null,
  name text collate "C" not null,
  -- Owner of the content of its files.
  content uuid not null,
  -- The highest assigned number, including deleted versions.
  last_version int not null default 0,
  -- Interval of automatic refreshes, and time of the next one.
  refresh_ms bigint,
  next_refresh_at bigint,
  created_at bigint not null,
  unique (project_id, name)
);
create index dataset_refresh on data.dataset (next_refresh_at) where next_refresh_at is not null;
create index dataset_uid on data.dataset (uid);
select dais.protect('data.dataset');

create table data.version (
  id uuid primary key,
  project_id uuid not null,
  dataset bigint not null references data.dataset (id) on delete cascade,
  number int not null,
  digest text collate "C" not null,
  state text collate "C" not null,
  reason text,
  mode text collate "C" not null,
  rows bigint not null,
  bytes bigint not null,
  new_bytes bigint not null,
  files int not null,
  schema jsonb not null,
  keys text[] not null,
  event_time text,
  label text,
  message text not null,
  created_at bigint not null,
  -- Time when it became ready.
  ready_at bigint,
  created_by jsonb not null,
  origin text collate "C" not null,
  parent uuid,
  source jsonb not null,
  -- Approximate rows per file. The next version is split in the same way.
  split_rows int,
  unique (dataset, number)
);
create index version_ready on data.version (dataset, ready_at desc) where state = 'ready';
create index version_created on data.version (project_id, created_at desc);
create index version_digest on data.version (project_id, digest);
select dais.protect('data.version');

create table data.version_file (
  version uuid not null references data.version (id) on delete cascade,
  position int not null,
  project_id uuid not null,
  dataset bigint not null,
  name text collate "C" not null,
  digest text collate "C" not null,
  bytes bigint not null,
  rows bigint not null,
  -- For files outside Dais.
  uri text,
  pin text,
  format text collate "C",
  primary key (version, position)
);
create index version_file_digest on data.version_file (dataset, digest);
select dais.protect('data.version_file');

create table data.version_tag (
  dataset bigint not null references data.dataset (id) on delete cascade,
  tag text collate "C" not null,
  project_id uuid not null,
  version uuid not null references data.version (id) on delete cascade,
  primary key (dataset, tag)
);
create index version_tag_version on data.version_tag (version);
select dais.protect('data.version_tag');

-- Creation of a version, starting with the first uploaded file.
create table data.ingest (
  id uuid primary key,
  project_id uuid not null,
  dataset bigint not null references data.dataset (id) on delete cascade,
  state text collate "C" not null,
  phase text collate "C" not null,
  progress real not null default 0,
  errors jsonb not null default '[]',
  rejected_rows bigint not null default 0,
  message text not null,
  tags text[] not null,
  source jsonb not null,
  version uuid,
  number int,
  unchanged boolean not null default false,
  created_at bigint not null,
  created_by jsonb not null,
  origin text collate "C" not null,
  ended_at bigint
);
create index ingest_created on data.ingest (dataset, created_at desc, id desc);
create index ingest_ended on data.ingest (ended_at) where ended_at is not null;
create index ingest_open on data.ingest (created_at) where state = 'open';
select dais.protect('data.ingest');

create table data.ingest_file (
  ingest uuid not null references data.ingest (id) on delete cascade,
  position int not null,
  project_id uuid not null,
  name text collate "C" not null,
  digest text collate "C" not null,
  bytes bigint not null,
  -- Whether its bytes, or the results of reading them, are stored.
  is_uploaded boolean not null,
  primary key (ingest, position)
);
select dais.protect('data.ingest_file');

-- Results of reading files. The same file with the same read options gives the same result.
create table data.read_file (
  dataset bigint not null references data.dataset (id) on delete cascade,
  -- Digest of the bytes.
  digest text collate "C" not null,
  -- Digest of format, column types and version of the reader.
  read_options text collate "C" not null,
  project_id uuid not null,
  -- [{digest, bytes, rows}], in the order of the rows.
  files jsonb not null,
  rows bigint not null,
  used_at bigint not null,
  primary key (dataset, digest, read_options)
);
select dais.protect('data.read_file');
`,
};
