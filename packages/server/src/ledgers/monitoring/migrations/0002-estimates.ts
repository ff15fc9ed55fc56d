import type { Migration } from '#engines/database/contract.ts';

/** Estimated performance and fairness. Times are milliseconds since 1970. */
export const monitoringEstimates: Migration = {
  id: '0002-estimates',
  sql: `
-- As a report has them.
alter table monitoring.window add column estimates jsonb;
alter table monitoring.window add column fairness jsonb;

-- What scores stood for among predictions whose labels are known: worked out once.
create table monitoring.calibration (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Of which version, which outputs, and which predictions.
  key text collate "C" not null,
  -- {from, until, labeled, calibrated, metrics}
  about jsonb not null,
  -- {scores, shares}; null: scores are used as they are.
  calibration jsonb,
  created_at bigint not null,
  unique (monitor, key)
);
select dais.protect('monitoring.calibration');
`,
};
