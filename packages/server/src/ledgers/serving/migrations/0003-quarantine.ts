import type { Migration } from '#engines/database/contract.ts';

/** Models whose process ended abnormally twice. */
export const quarantineColumns: Migration = {
  id: '0003-quarantine',
  sql: `
-- Times that someone asked to load the model again: a higher number ends a quarantine at the gateways.
alter table serving.model add column resumes int not null default 0;
-- What the gateway reported of models of the endpoint: {MODEL: {label, reason, at}}
alter table serving.endpoint add column quarantined jsonb not null default '{}';
-- Fields that the manifest got since, with their defaults.
update serving.endpoint
set spec = '{"input": {"rows": 10000, "mb": 256}}'::jsonb || spec
  || jsonb_build_object('resources', '{"loadSeconds": 300}'::jsonb || coalesce(spec->'resources', '{"threads": 1}'::jsonb));
`,
};
