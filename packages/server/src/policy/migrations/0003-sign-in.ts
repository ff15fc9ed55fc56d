import type { Migration } from '#engines/database/contract.ts';

/** Sign-in with identity providers, from the command line, and with tokens of CI systems. */
export const signInTables: Migration = {
  id: '0003-sign-in',
  sql: `
-- Pending sign-ins at a provider. Only digests of state and cookie are stored; nonce and code verifier are derived from
-- both.
create table policy.sign_in (
  state_digest bytea primary key,
  browser_digest bytea not null,
  provider text not null,
  next text not null,
  -- SAML: the verified person, until the browser comes for it.
  answer jsonb,
  expires_at timestamptz not null
);
create index sign_in_expires on policy.sign_in (expires_at);
grant select, insert, update, delete on policy.sign_in to dais_app;

-- The identity of a user at a provider. The refresh token verifies it later; it is encrypted like a Secret.
create table policy.identity_link (
  issuer text collate "C" not null,
  subject text collate "C" not null,
  user_uid uuid not null,
  user_name text collate "C" not null,
  provider text not null,
  key_id text,
  key_fingerprint text,
  wrapped bytea,
  iv bytea,
  ciphertext bytea,
  tag bytea,
  created_at timestamptz not null default clock_timestamp(),
  signed_in_at timestamptz not null default clock_timestamp(),
  -- The last time that the provider confirmed the access of the user.
  checked_at timestamptz not null default clock_timestamp(),
  -- The last verification attempt, successful or not.
  attempted_at timestamptz not null default clock_timestamp(),
  -- The time when the provider denied the access. A new sign-in clears it.
  ended_at timestamptz,
  primary key (issuer, subject)
);
create index identity_link_user on policy.identity_link (user_uid);
create index identity_link_attempted on policy.identity_link (attempted_at);
grant select, insert, update, delete on policy.identity_link to dais_app;

-- The session id of the provider, which ends the session in Dais (back-channel logout).
create table policy.provider_session (
  session_id uuid primary key references policy.session (id) on delete cascade,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  provider_session text collate "C"
);
create index provider_session_subject on policy.provider_session (issuer, subject);
grant select, insert, delete on policy.provider_session to dais_app;

-- Pending device authorizations of command lines.
create table policy.device_grant (
  id uuid primary key,
  device_digest bytea not null unique,
  code_digest bytea not null unique,
  machine text not null,
  program text not null,
  address text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  polled_at timestamptz,
  interval_seconds int not null,
  -- null: no decision yet
  approved boolean,
  user_uid uuid,
  user_name text collate "C",
  mfa boolean
);
create index device_grant_expires on policy.device_grant (expires_at);
grant select, insert, update, delete on policy.device_grant to dais_app;

-- Exchanged tokens of identity providers. A token cannot be exchanged twice while it is valid.
create table policy.exchanged_token (
  digest bytea primary key,
  expires_at timestamptz not null
);
create index exchanged_token_expires on policy.exchanged_token (expires_at);
grant select, insert, delete on policy.exchanged_token to dais_app;
`,
};
