import type { Migration } from '#engines/database/contract.ts';

/** Tokens of attempts of steps. They are deleted with the attempt; an existing row is valid until it expires. */
export const stepTokens: Migration = {
  id: '0004-step-tokens',
  sql: `
create table policy.step_token (
  digest bytea primary key,
  attempt uuid not null,
  run uuid not null,
  project text collate "C" not null,
  -- The actor that started the run; the step acts for it.
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  expires_at timestamptz not null
);
create index step_token_attempt on policy.step_token (attempt);
create index step_token_expires on policy.step_token (expires_at);
grant select, insert, update, delete on policy.step_token to dais_app;
`,
};
