import type { Migration } from '#engines/database/contract.ts';

/** Variants and shadows that follow an alias to a version that a policy refuses. */
export const refusedVariantColumns: Migration = {
  id: '0004-refused-variants',
  sql: `
alter table serving.endpoint
  -- References in the manifest to the models of \`active\`: {NAME: reference}
  add column model_references jsonb not null default '{}',
  -- {NAME: {model, label, reason, at}}
  add column refused jsonb not null default '{}';
`,
};
