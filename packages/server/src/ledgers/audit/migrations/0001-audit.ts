import type { Migration } from '#engines/database/contract.ts';

/**
 * The log, its Merkle tree, and checkpoints. Partitions contain 2^20 entries each instead of a month, because the order of the
 * tree is not exactly the order of time, and entries are archived from the start.
 *
 * The database role of the platform may only insert and read entries. A trigger rejects changes and deletions by any
 * role, which prevents accidents of administrators. Only the checkpoints outside of the database detect deliberate
 * tampering.
 */
export const auditTables: Migration = {
  id: '0001-audit',
  sql: `
-- One row. hashes: roots of the complete subtrees, largest first. branch: the suffix of the origin of
-- checkpoints; a restore starts a new one, and forked_from and forked_at are set until the log contains the fork.
create table audit.state (
  singleton boolean primary key default true check (singleton),
  log_id uuid not null default gen_random_uuid(),
  branch text not null default substr(gen_random_uuid()::text, 1, 8),
  size bigint not null default 0,
  hashes bytea[] not null default '{}',
  forked_from text,
  forked_at bigint,
  hold_reason text
);
insert into audit.state default values;
grant select, update on audit.state to dais_app;

create table audit.entry (
  seq bigint primary key,
  at timestamptz not null,
  project_id uuid not null,
  type text collate "C" not null,
  -- The id of a person, or service:NAME, system:NAME.
  actor text collate "C" not null,
  subject_kind text collate "C",
  -- The name of the subject; for a person, the id of the person.
  subject text collate "C",
  outcome text not null check (outcome in ('succeeded', 'denied', 'failed')),
  request_id text,
  -- Canonical JSON (RFC 8785), exactly as it was hashed.
  body bytea not null,
  -- SHA-256(0x00 || body)
  leaf bytea not null check (length(leaf) = 32)
) partition by range (seq);
create index entry_project on audit.entry (project_id, seq);
create index entry_actor on audit.entry (actor, seq);
create index entry_subject on audit.entry (subject_kind, subject, seq);
create index entry_type on audit.entry (type, seq);
create index entry_at on audit.entry (at);
create index entry_denied on audit.entry (outcome, seq) where outcome <> 'succeeded';
create index entry_request on audit.entry (request_id) where request_id is not null;
select dais.protect('audit.entry', 'select, insert');

create function audit.refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op = 'DELETE' and current_setting('dais.audit_archive', true) = txid_current()::text then return old; end if;
  raise exception 'the audit log is append-only';
end $$;
create trigger append_only before update or delete on audit.entry
  for each row execute function audit.refuse_change();
create trigger append_only_whole before truncate on audit.entry
  for each statement execute function audit.refuse_change();

-- Creates the partition of an entry. Attaching a finished table does not block readers.
create function audit.make_partition(seq bigint) returns void
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '2s' as $$
declare number bigint := seq / 1048576; part text := 'entry_' || lpad((seq / 1048576)::text, 6, '0');
begin
  if to_regclass('audit.' || part) is null then
    execute format('create table audit.%I (like audit.entry including defaults including constraints)', part);
    execute format('alter table audit.entry attach partition audit.%I for values from (%s) to (%s)',
      part, number * 1048576, (number + 1) * 1048576);
    execute format('create trigger append_only_whole before truncate on audit.%I
      for each statement execute function audit.refuse_change()', part);
  end if;
end $$;
revoke all on function audit.make_partition(bigint) from public;
grant execute on function audit.make_partition(bigint) to dais_app;
select audit.make_partition(0);

-- Every complete subtree of 256, 65536, ... leaves: proofs read at most 255 hashes of each level.
create table audit.node (
  level smallint not null,
  index bigint not null,
  hash bytea not null check (length(hash) = 32),
  primary key (level, index)
);
grant select, insert on audit.node to dais_app;

create table audit.checkpoint (
  size bigint not null,
  branch text not null,
  at timestamptz not null default clock_timestamp(),
  note text not null,
  primary key (size, branch)
);
grant select, insert, delete on audit.checkpoint to dais_app;

-- The last position that each external receiver has stored.
create table audit.delivery (
  receiver text primary key,
  position bigint not null
);
grant select, insert, update on audit.delivery to dais_app;

-- 32 bytes each, wrapped by the key engine: the seed of the signing key, and the key of the digests of names.
create table audit.wrapped_key (
  name text primary key,
  key_id text not null,
  key_fingerprint text not null,
  wrapped bytea not null,
  public_key bytea
);
grant select, insert, update on audit.wrapped_key to dais_app;

-- Persons in entries. Erasure deletes the digest of the name and the key, so encrypted values stay unreadable.
create table audit.person (
  id uuid primary key,
  name_digest bytea unique,
  key_id text,
  key_fingerprint text,
  wrapped bytea,
  forgotten_at timestamptz
);
create index person_key on audit.person (key_fingerprint) where wrapped is not null;
grant select, insert, update on audit.person to dais_app;

-- Entries from_seq to to_seq (exclusive), as lines in a compressed object of the blob store.
create table audit.archive (
  from_seq bigint primary key,
  to_seq bigint not null check (to_seq > from_seq),
  last_at timestamptz not null,
  content text not null,
  sha256 text not null,
  bytes bigint not null,
  archived_at timestamptz not null default clock_timestamp()
);
grant select, insert on audit.archive to dais_app;

-- Removes a batch of archived entries and empty partitions, and returns the number of removed entries.
create function audit.remove_archived(up_to bigint, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '2s' as $$
declare gone bigint; part record;
begin
  if exists (select from audit.state where hold_reason is not null) then
    raise exception 'there is a legal hold on the audit log';
  end if;
  if up_to > coalesce((select max(to_seq) from audit.archive), 0) then
    raise exception 'entries up to % are not archived', up_to;
  end if;
  perform set_config('dais.audit_archive', txid_current()::text, true);
  delete from audit.entry where seq in (select seq from audit.entry where seq < up_to order by seq limit most);
  get diagnostics gone = row_count;
  perform set_config('dais.audit_archive', '', true);
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'audit.entry'::regclass and (substr(c.relname, 7)::bigint + 1) * 1048576 <= up_to
  loop
    if gone = 0 then execute format('drop table audit.%I', part.relname); end if;
  end loop;
  return gone;
end $$;
revoke all on function audit.remove_archived(bigint, int) from public;
grant execute on function audit.remove_archived(bigint, int) to dais_app;

-- One row: the progress and the findings of the automatic verification.
create table audit.self_check (
  singleton boolean primary key default true check (singleton),
  size bigint not null default 0,
  hashes bytea[] not null default '{}',
  checked_at timestamptz,
  -- The last time when all entries had been verified.
  complete_at timestamptz,
  complete_size bigint,
  findings jsonb not null default '[]'
);
insert into audit.self_check default values;
grant select, update on audit.self_check to dais_app;
`,
};
