/** Masks profiles and results for users who may not see all columns. */
import type {
  CheckFinding,
  ColumnProfile,
  DatasetProfile,
  ExpectationResult,
  QualityCheckResults,
} from '@dais/api/data';

/** Expectation types whose findings contain only counts and shares of rows, for all columns. */
const ONLY_COUNTS: ReadonlySet<string> = new Set([
  'schema',
  'presence',
  'completeness',
  'columnType',
  'parses',
  'domain',
  'range',
  'finite',
  'pattern',
  'length',
  'unique',
  'distinct',
  'reference',
  'rowCount',
  'rowCountChange',
  'labelConflict',
  'leakage',
  'futureTime',
  'duplicates',
  'splitOverlap',
  'drift',
  'servingSkew',
]);

/** Removes values, and anything that reveals values. Counts remain. */
export function maskProfile(profile: DatasetProfile, masked: ReadonlySet<string>): DatasetProfile {
  if (masked.size === 0) return profile;
  return {
    ...profile,
    columns: profile.columns.map((column) => (masked.has(column.name) ? maskColumn(column) : column)),
    correlations: profile.correlations.filter(({ columns }) => !columns.some((name) => masked.has(name))),
  };
}

function maskColumn({ name, type, family, count, nulls, distinct }: ColumnProfile): ColumnProfile {
  return { name, type, family, count, nulls, distinct, masked: true };
}

export function maskCheck(check: QualityCheckResults, masked: ReadonlySet<string>): QualityCheckResults {
  if (masked.size === 0) return check;
  return { ...check, results: check.results.map((result) => maskResult(result, masked)) };
}

function maskResult(result: ExpectationResult, masked: ReadonlySet<string>): ExpectationResult {
  const { type, sample } = result;
  const plain = ONLY_COUNTS.has(type);
  return {
    ...result,
    findings: plain ? result.findings : result.findings.map((finding) => maskFinding(finding, masked)),
    ...(sample !== undefined && { sample: maskSample(sample, type, masked) }),
  };
}

function maskFinding(finding: CheckFinding, masked: ReadonlySet<string>): CheckFinding {
  if (finding.column === undefined || !finding.column.split(', ').some((name) => masked.has(name))) return finding;
  const { column, anomaly, allowed } = finding;
  return { column, ...(anomaly !== undefined && { anomaly }), allowed, observed: 'masked' };
}

type Sample = NonNullable<ExpectationResult['sample']>;

function maskSample(sample: Sample, type: string, masked: ReadonlySet<string>): Sample {
  // The columns that a query result derives from are unknown.
  if (type === 'sql') {
    const withheld = `The rows are visible only to users who may see the masked columns: ${[...masked].toSorted().join(', ')}.`;
    return { ...sample, rows: [], withheld };
  }
  const hidden = sample.columns.map((name) => masked.has(name));
  return {
    ...sample,
    rows: sample.rows.map((row) => row.map((cell, i) => (hidden[i] === true ? null : cell))),
    masked: sample.columns.filter((_, i) => hidden[i]),
  };
}
