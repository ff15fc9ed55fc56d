import type { Migration } from '#engines/database/contract.ts';

/** Decisions of policies in audit mode, and violations of policies by resources in production. */
export const factTables: Migration = {
  id: '0005-facts',
  sql: `
create table policy.audited_decision (
  project_id uuid not null,
  policy text collate "C" not null,
  action text collate "C" not null,
  kind text collate "C" not null,
  -- Empty: all resources of the kind.
  name text collate "C" not null,
  result text collate "C" not null,
  reason text not null,
  -- The principal of the last decision.
  principal text collate "C" not null,
  count bigint not null,
  -- Milliseconds since 1970.
  first_at bigint not null,
  last_at bigint not null,
  primary key (project_id, policy, action, kind, name)
);
create index audited_decision_last on policy.audited_decision (project_id, last_at desc);
select dais.protect('policy.audited_decision');

create table policy.violation (
  project_id uuid not null,
  policy text collate "C" not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  -- Uid of the resource.
  uid uuid not null,
  -- Empty: the resource itself.
  alias text collate "C" not null,
  version text collate "C",
  mode text collate "C" not null,
  result text collate "C" not null,
  reason text not null,
  facts jsonb not null,
  path jsonb not null,
  started_at bigint not null,
  evaluated_at bigint not null,
  primary key (project_id, policy, kind, name, alias)
);
select dais.protect('policy.violation');

create table policy.evaluation (
  project_id uuid primary key,
  -- Start of the last evaluation of the whole project; null: none has ended.
  at bigint
);
select dais.protect('policy.evaluation');
`,
};
