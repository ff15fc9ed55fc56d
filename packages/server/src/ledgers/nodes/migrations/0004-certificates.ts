import type { Migration } from '#engines/database/contract.ts';

/**
 * `authority`: generations of the certificate authority of the installation; the key engine wraps the data keys of their private
 * keys. Columns of nodes: where other nodes reach it, and the newest generation that it trusts; null: it has no connections.
 */
export const nodesCertificates: Migration = {
  id: '0004-certificates',
  sql: `
create table nodes.authority (
  generation int primary key check (generation > 0),
  certificate text not null,
  key_id text not null,
  key_fingerprint text not null,
  wrapped bytea not null,
  iv bytea not null,
  ciphertext bytea not null,
  tag bytea not null,
  created_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on nodes.authority to dais_app;
alter table nodes.node
  add column internal_host text,
  add column internal_port int,
  add column authority int;
`,
};
