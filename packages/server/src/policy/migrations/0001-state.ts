import type { Migration } from '#engines/database/contract.ts';

export const policyState: Migration = {
  id: '0001-state',
  sql: `
create table policy.state (
  singleton boolean primary key default true check (singleton),
  version bigint not null default 1
);
insert into policy.state default values;
grant select, update on policy.state to dais_app;
`,
};
