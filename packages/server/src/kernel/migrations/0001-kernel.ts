import type { Migration } from '#engines/database/contract.ts';

/**
 * The tables of the kernel. `project_id` is the tenant of a row (all zeros: the organization); `dais.protect` enables
 * row-level security for it. Names sort by bytes ("C"), so that the order of pages is the same in every locale. `spec`
 * is json, not jsonb, to preserve the authored order.
 */
export const kernelTables: Migration = {
  id: '0001-kernel',
  sql: `
create table kernel.tenant (
  id uuid primary key,
  name text collate "C" not null unique,
  -- null: no limit
  max_resources bigint,
  max_blob_bytes bigint
);
insert into kernel.tenant (id, name) values ('00000000-0000-0000-0000-000000000000', '');
grant select, insert, update, delete on kernel.tenant to dais_app;

create sequence kernel.version;
grant usage on sequence kernel.version to dais_app;

create table kernel.resource (
  uid uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  kind text collate "C" not null,
  name text collate "C" not null,
  api_version text not null,
  origin text not null,
  owner text,
  generation bigint not null,
  version bigint not null default nextval('kernel.version'),
  labels jsonb not null,
  annotations jsonb not null,
  spec json not null,
  status jsonb not null,
  source jsonb,
  finalizers text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deletion_at timestamptz,
  unique (project_id, kind, name)
);
create index resource_labels on kernel.resource using gin (labels jsonb_path_ops);
create index resource_owner on kernel.resource (owner) where owner is not null;
select dais.protect('kernel.resource');

-- Every revision of every resource. Retention removes the revisions of deleted resources.
create table kernel.revision (
  uid uuid not null,
  generation bigint not null,
  project_id uuid not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  api_version text not null,
  labels jsonb not null,
  annotations jsonb not null,
  spec json not null,
  operation text not null,
  actor jsonb not null,
  source jsonb,
  at timestamptz not null default now(),
  primary key (uid, generation)
);
select dais.protect('kernel.revision');

-- References between resources. The foreign key prevents dangling references even under races.
create table kernel.reference (
  from_uid uuid not null references kernel.resource (uid) on delete cascade,
  to_uid uuid not null references kernel.resource (uid),
  path text not null,
  project_id uuid not null,
  primary key (from_uid, to_uid, path)
);
create index reference_to on kernel.reference (to_uid);
select dais.protect('kernel.reference');

-- seq is null until the sequencer has assigned the position in commit order.
create table kernel.event (
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  seq bigint,
  type text not null,
  v int not null,
  project_id uuid not null,
  subject_kind text,
  subject_name text,
  subject_uid uuid,
  actor jsonb not null,
  request_id text,
  data jsonb not null,
  -- The credential of the actor, and the policies that permitted the operation.
  via jsonb,
  decision jsonb
) partition by range (at);
create index event_seq on kernel.event (seq);
create index event_unsequenced on kernel.event (id) where seq is null;
create index event_subject on kernel.event (subject_kind, subject_name, seq);
-- Stores events whose partition does not exist yet. Retention reads this partition too.
create table kernel.event_default partition of kernel.event default;
select dais.protect('kernel.event');
select dais.protect('kernel.event_default', 'select, delete');

-- Both functions below lock the whole table briefly. The lock timeout prevents writers from queueing behind a long
-- transaction.
-- Creates the partitions of this month and the next ones. Names contain the month, so it is idempotent.
create function kernel.make_event_partitions(months int) returns void
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '2s' as $$
declare first date;
begin
  for i in 0 .. months loop
    first := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => i))::date;
    if to_regclass('kernel.event_' || to_char(first, 'YYYYMM')) is null
      -- A month with rows in the default partition stays there.
      and not exists (select from kernel.event_default
        where at >= first::timestamp at time zone 'UTC' and at < (first + interval '1 month') at time zone 'UTC') then
      execute format('create table kernel.%I partition of kernel.event for values from (%L) to (%L)',
        'event_' || to_char(first, 'YYYYMM'),
        to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    end if;
  end loop;
end $$;

-- Drops the partitions that end before a time, and returns the highest seq in them.
create function kernel.drop_event_partitions(before timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '2s' as $$
declare part record; highest bigint; gone bigint;
begin
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'kernel.event'::regclass and c.relname ~ '^event_[0-9]{6}$'
      and (to_date(substr(c.relname, 7), 'YYYYMM') + interval '1 month') at time zone 'UTC' <= before
    order by c.relname
  loop
    execute format('select max(seq) from kernel.%I', part.relname) into gone;
    execute format('drop table kernel.%I', part.relname);
    highest := greatest(highest, gone);
  end loop;
  return highest;
end $$;
revoke all on function kernel.make_event_partitions(int), kernel.drop_event_partitions(timestamptz) from public;
grant execute on function kernel.make_event_partitions(int), kernel.drop_event_partitions(timestamptz) to dais_app;
select kernel.make_event_partitions(2);

-- One row: the last position in commit order. A restore assigns a new epoch, which invalidates old cursors.
create table kernel.cursor (
  singleton boolean primary key default true check (singleton),
  epoch uuid not null default gen_random_uuid(),
  seq bigint not null default 0,
  oldest bigint not null default 0
);
insert into kernel.cursor default values;
grant select, update on kernel.cursor to dais_app;

-- The last position that each subscriber of the event stream has processed.
create table kernel.subscription (
  name text primary key,
  seq bigint not null
);
grant select, insert, update on kernel.subscription to dais_app;

create table kernel.lease (
  name text primary key,
  owner text not null,
  epoch bigint not null,
  expires_at timestamptz not null
);
grant select, insert, update on kernel.lease to dais_app;

-- One row per resource that has a controller. due_at null: nothing to do. dirty grows with every wake, so that a wake
-- during a run is not lost. epoch grows with every claim: it fences the writes of a worker that lost its lease.
create table kernel.reconcile (
  uid uuid primary key references kernel.resource (uid) on delete cascade,
  kind text not null,
  project_id uuid not null,
  due_at timestamptz,
  dirty bigint not null default 1,
  attempts int not null default 0,
  epoch bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  last_error text
);
create index reconcile_due on kernel.reconcile (due_at) where due_at is not null;
select dais.protect('kernel.reconcile');

-- The resources that are reconciled when an event of a topic is emitted.
create table kernel.watch (
  topic text not null,
  uid uuid not null references kernel.reconcile (uid) on delete cascade,
  primary key (topic, uid)
);
create index watch_uid on kernel.watch (uid);
grant select, insert, delete on kernel.watch to dais_app;

create table kernel.job (
  id uuid primary key,
  queue text not null,
  project_id uuid not null,
  payload jsonb not null,
  unique_key text,
  priority int not null default 0,
  state text not null check (state in ('pending', 'running', 'succeeded', 'failed', 'canceled')),
  run_at timestamptz not null,
  attempts int not null default 0,
  max_attempts int not null,
  epoch bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  cancel_requested boolean not null default false,
  progress jsonb,
  result jsonb,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index job_unique on kernel.job (queue, unique_key) where state in ('pending', 'running');
create index job_pending on kernel.job (queue, project_id, priority desc, run_at, id) where state = 'pending';
create index job_running on kernel.job (queue, lease_until) where state = 'running';
create index job_finished on kernel.job (finished_at) where finished_at is not null;
select dais.protect('kernel.job');

create table kernel.idempotency (
  project_id uuid not null,
  principal text not null,
  key text not null,
  operation text not null,
  input_digest bytea not null,
  output json not null,
  at timestamptz not null default now(),
  primary key (project_id, principal, key)
);
create index idempotency_at on kernel.idempotency (at);
select dais.protect('kernel.idempotency');
`,
};
