import type { Migration } from '#engines/database/contract.ts';

/** Estimated performance and fairness. Times are milliseconds since 1970. */
export const monitoringEstimates: Migration = {
  id: '0002-estimates',
  sql: `
-- In the format of reports.
alter table monitoring.window add column estimates jsonb;
alter table monitoring.window add column fairness jsonb;

-- Calibration of scores from predictions with ground truth, computed once.
create table monitoring.calibration (
  id uuid primary key,
  project_id uuid not null,
  monitor uuid not null references monitoring.monitor (uid) on delete cascade,
  -- Model version, outputs and predictions.
  key text collate "C" not null,
  -- {from, until, labeled, calibrated, metrics}
  details jsonb not null,
  -- {scores, shares}; null: scores are used as they are.
  calibration jsonb,
  created_at bigint not null,
  unique (monitor, key)
);
select dais.protect('monitoring.calibration');
`,
};
