import type { DatasetProfile, DatasetVersion, QualityCheck, QualityCheckResults, QualityReport } from '@dais/api/data';
import { shiftsOf } from './shifts.ts';

export interface ReportParts {
  readonly version: DatasetVersion;
  readonly check?: QualityCheckResults | undefined;
  readonly profile?: DatasetProfile | undefined;
  readonly before?: { readonly number: number; readonly profile: DatasetProfile } | undefined;
  readonly history: readonly QualityCheck[];
}

export function buildReport({ version, check, profile, before, history }: ReportParts): QualityReport {
  const { id, number, state, reason, rows, bytes, createdAt, createdBy, digest } = version;
  return {
    dataset: version.dataset,
    version: { id, number, state, ...(reason !== undefined && { reason }), rows, bytes, createdAt, createdBy, digest },
    ...(check !== undefined && { check }),
    ...(profile !== undefined && { profile }),
    ...(before !== undefined && { before: { number: before.number, profile: before.profile } }),
    shifts: profile === undefined || before === undefined ? [] : [...shiftsOf(profile, before.profile)],
    history: [...history],
  };
}
