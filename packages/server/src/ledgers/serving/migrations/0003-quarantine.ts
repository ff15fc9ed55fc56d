import type { Migration } from '#engines/database/contract.ts';

/** Models whose process ended abnormally twice. */
export const quarantineColumns: Migration = {
  id: '0003-quarantine',
  sql: `
-- Number of requests to load the model again. A higher number ends a quarantine at the gateways.
alter table serving.model add column resumes int not null default 0;
-- Quarantined models that the gateway reported: {MODEL: {label, reason, at}}
alter table serving.endpoint add column quarantined jsonb not null default '{}';
-- Defaults of fields that were added to the manifest later.
update serving.endpoint
set spec = '{"input": {"rows": 10000, "mb": 256}}'::jsonb || spec
  || jsonb_build_object('resources', '{"loadSeconds": 300}'::jsonb || coalesce(spec->'resources', '{"threads": 1}'::jsonb));
`,
};
