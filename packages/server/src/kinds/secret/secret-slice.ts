import type { Slice } from '#engines/database/contract.ts';

/**
 * Storage of sealed values. It is separate from resources and revisions, so that no read of the kernel contains them.
 */
export const secretSlice: Slice = {
  schema: 'secret',
  migrations: [
    {
      id: '0001-secret',
      sql: `
create table secret.value (
  secret_uid uuid not null,
  key text collate "C" not null,
  project_id uuid not null,
  key_id text not null,
  key_fingerprint text not null,
  wrapped bytea not null,
  iv bytea not null,
  ciphertext bytea not null,
  tag bytea not null,
  -- HMAC of the value with an encrypted key: shows only whether a value changed.
  print bytea not null,
  primary key (secret_uid, key)
);
create index value_by_key on secret.value (key_fingerprint, secret_uid);
select dais.protect('secret.value');

-- The key of the prints. Belongs to the installation, not to a project.
create table secret.print_key (
  singleton boolean primary key default true check (singleton),
  key_id text not null,
  key_fingerprint text not null,
  wrapped bytea not null,
  iv bytea not null,
  ciphertext bytea not null,
  tag bytea not null
);
grant select, insert, update on secret.print_key to dais_app;
`,
    },
  ],
};
