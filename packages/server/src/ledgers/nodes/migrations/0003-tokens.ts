import type { Migration } from '#engines/database/contract.ts';

/** Tokens with which new nodes join. `digest`: SHA-256 of the token; the token itself is not stored. */
export const nodesTokens: Migration = {
  id: '0003-tokens',
  sql: `
create table nodes.token (
  id uuid primary key,
  digest bytea not null unique,
  roles text[] not null,
  uses int not null check (uses > 0),
  used int not null default 0 check (used between 0 and uses),
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
grant select, insert, update, delete on nodes.token to dais_app;
`,
};
