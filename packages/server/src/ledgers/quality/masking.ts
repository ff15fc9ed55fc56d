/** What stays of profiles and results for whoever may not see every column. */
import type {
  CheckFinding,
  ColumnProfile,
  DatasetProfile,
  ExpectationResult,
  QualityCheckResults,
} from '@dais/api/data';

/** Types whose findings tell only counts and shares of rows, whatever the column. */
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

/** Counts stay; whatever is a value, or tells where values lie, goes. */
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
  // Nobody can tell what a query made of which column.
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
