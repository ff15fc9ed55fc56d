import type { Migration } from '#engines/database/contract.ts';

/** What signing in elsewhere needs: at identity providers, from the command line, with tokens of CI systems. */
export const signInTables: Migration = {
  id: '0003-sign-in',
  sql: `
-- A browser that was sent to a provider and has not come back. Of state and cookie only digests are kept; nonce and
-- code verifier are derived from both.
create table policy.sign_in (
  state_digest bytea primary key,
  browser_digest bytea not null,
  provider text not null,
  next text not null,
  expires_at timestamptz not null
);
create index sign_in_expires on policy.sign_in (expires_at);
grant select, insert, delete on policy.sign_in to dais_app;

-- Who somebody is at a provider. The refresh token asks later whether they still are; it is sealed like a Secret.
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
  -- When the provider last said that the person is welcome.
  checked_at timestamptz not null default clock_timestamp(),
  -- When we last asked, answered or not.
  asked_at timestamptz not null default clock_timestamp(),
  -- When the provider said that the person is not welcome any more. A new sign-in empties it.
  ended_at timestamptz,
  primary key (issuer, subject)
);
create index identity_link_user on policy.identity_link (user_uid);
create index identity_link_asked on policy.identity_link (asked_at);
grant select, insert, update, delete on policy.identity_link to dais_app;

-- The provider's name for its own session, by which it ends ours (back-channel logout).
create table policy.provider_session (
  session_id uuid primary key references policy.session (id) on delete cascade,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  provider_session text collate "C"
);
create index provider_session_subject on policy.provider_session (issuer, subject);
grant select, insert, delete on policy.provider_session to dais_app;

-- A command line that waits for somebody to let it in.
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
  -- null: nobody has decided
  approved boolean,
  user_uid uuid,
  user_name text collate "C",
  mfa boolean
);
create index device_grant_expires on policy.device_grant (expires_at);
grant select, insert, update, delete on policy.device_grant to dais_app;

-- Tokens of others that were exchanged: a second exchange of one is refused for as long as it would be valid.
create table policy.spent_token (
  digest bytea primary key,
  expires_at timestamptz not null
);
create index spent_token_expires on policy.spent_token (expires_at);
grant select, insert, delete on policy.spent_token to dais_app;
`,
};
