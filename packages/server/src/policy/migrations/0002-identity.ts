import type { Migration } from '#engines/database/contract.ts';

/**
 * Credentials of users and programs. Only digests of secrets are stored: SHA-256 for secrets of about 256 random bits
 * (sessions, tokens, invitations), argon2id for passwords. `*_uid` is the uid of a User or ServiceAccount: a new one
 * with the same name inherits nothing.
 */
export const identityTables: Migration = {
  id: '0002-identity',
  sql: `
create table policy.password (
  user_uid uuid primary key,
  hash text not null,
  changed_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on policy.password to dais_app;

-- Email addresses of users, in lower case and unique.
create table policy.email (
  address text collate "C" primary key,
  user_uid uuid not null unique
);
grant select, insert, update, delete on policy.email to dais_app;

create table policy.session (
  id uuid primary key,
  digest bytea not null unique,
  user_uid uuid not null,
  user_name text collate "C" not null,
  method text not null,
  provider text,
  mfa boolean not null,
  address text,
  user_agent text,
  created_at timestamptz not null default clock_timestamp(),
  used_at timestamptz not null default clock_timestamp(),
  used_address text,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index session_by_user on policy.session (user_uid);
create index session_expires on policy.session (expires_at);
grant select, insert, update, delete on policy.session to dais_app;

create table policy.token (
  id uuid primary key,
  digest bytea not null unique,
  form text not null,
  -- The last characters, by which users recognize a token.
  suffix text not null,
  name text not null,
  owner_type text not null,
  owner_uid uuid not null,
  owner_name text collate "C" not null,
  -- null: all permissions of the owner
  scopes text[],
  -- null: all projects
  project text collate "C",
  method text not null,
  mfa boolean not null,
  created_by jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  used_at timestamptz,
  used_address text,
  revoked_at timestamptz
);
create index token_by_owner on policy.token (owner_uid);
create index token_expires on policy.token (expires_at);
grant select, insert, update, delete on policy.token to dais_app;

create table policy.invitation (
  id uuid primary key,
  digest bytea not null unique,
  -- For a new user (user_uid is null), or for a new password of an existing user.
  email text not null,
  user_uid uuid,
  user_name text collate "C" not null,
  admin boolean not null,
  created_by jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz
);
create index invitation_expires on policy.invitation (expires_at);
grant select, insert, update, delete on policy.invitation to dais_app;

-- Counters of sign-in attempts by the digest of an account name or an IP address.
create table policy.attempt (
  digest bytea primary key,
  window_start timestamptz not null default clock_timestamp(),
  count int not null
);
create index attempt_window on policy.attempt (window_start);
grant select, insert, update, delete on policy.attempt to dais_app;
`,
};
