import type { Migration } from '#engines/database/contract.ts';

/** `shared_key`: random keys that all processes of the installation share, sealed like the private keys of the authority. */
export const nodesSharedKeys: Migration = {
  id: '0005-shared-keys',
  sql: `
create table nodes.shared_key (
  name text primary key check (name <> ''),
  key_id text not null,
  key_fingerprint text not null,
  wrapped bytea not null,
  iv bytea not null,
  ciphertext bytea not null,
  tag bytea not null,
  created_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on nodes.shared_key to dais_app;
`,
};
