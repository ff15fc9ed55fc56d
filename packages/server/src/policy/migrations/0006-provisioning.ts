import type { Migration } from '#engines/database/contract.ts';

/** Users and groups that identity providers provision (SCIM). */
export const provisioningTables: Migration = {
  id: '0006-provisioning',
  sql: `
create table policy.provisioned_user (
  id uuid primary key,
  provider text collate "C" not null,
  user_uid uuid not null unique,
  account text collate "C" not null,
  user_name text not null,
  external_id text collate "C",
  active boolean not null,
  -- What the provider sent in addition: names, email addresses, title, language.
  attributes jsonb not null,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index provisioned_user_name on policy.provisioned_user (provider, lower(user_name));
create index provisioned_user_external on policy.provisioned_user (provider, external_id);
create index provisioned_user_order on policy.provisioned_user (provider, id);
grant select, insert, update, delete on policy.provisioned_user to dais_app;

create table policy.provisioned_group (
  id uuid primary key,
  provider text collate "C" not null,
  display_name text not null,
  external_id text collate "C",
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index provisioned_group_name on policy.provisioned_group (provider, lower(display_name));
create index provisioned_group_order on policy.provisioned_group (provider, id);
grant select, insert, update, delete on policy.provisioned_group to dais_app;

create table policy.provisioned_member (
  group_id uuid not null references policy.provisioned_group (id) on delete cascade,
  user_id uuid not null references policy.provisioned_user (id) on delete cascade,
  primary key (group_id, user_id)
);
create index provisioned_member_user on policy.provisioned_member (user_id);
grant select, insert, delete on policy.provisioned_member to dais_app;
`,
};
