/** Profile of a dataset version's rows, and results of its expectations. */
import { z } from 'zod';
import { actorSchema } from '#manifest.ts';
import { severities } from '#records/expectation.ts';

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

/** A value in JSON: numbers outside of JSON, bytes and times are text. */
export const sampleCellSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export type SampleCell = z.output<typeof sampleCellSchema>;

/** The profile type of a column, which determines its statistics. */
export const columnFamilies = ['number', 'time', 'boolean', 'text', 'other'] as const;
export type ColumnFamily = (typeof columnFamilies)[number];

const quantilesSchema = z
  .strictObject({
    p01: z.number(),
    p05: z.number(),
    p25: z.number(),
    p50: z.number(),
    p75: z.number(),
    p95: z.number(),
    p99: z.number(),
  })
  .describe('`p25`: 25th percentile. Approximate (t-digest); for times in milliseconds since 1970.');

const histogramSchema = z.strictObject({
  edges: z
    .array(z.number())
    .describe('Bin edges, ascending; one more than `counts`. For times: milliseconds since 1970, UTC.'),
  counts: z
    .array(z.int())
    .describe('Rows per bin. A bin includes its upper edge and excludes its lower edge; the first bin includes both.'),
});

const topValueSchema = z.strictObject({
  value: sampleCellSchema.describe('Value; text is truncated to 100 characters.'),
  count: z.int().describe('Number of rows with this value.'),
});

export const columnProfileSchema = z.strictObject({
  name: z.string(),
  type: z.string().describe('Data type in the schema of the version.'),
  family: z.enum(columnFamilies),
  count: z.int().describe('Number of non-null values.'),
  nulls: z.int().describe('Number of null values.'),
  distinct: z
    .int()
    .describe('Number of distinct values, at most `count`. An estimate (HyperLogLog) without `distinctIsExact`.'),
  distinctIsExact: z.literal(true).optional().describe('Whether `distinct` is exact. It is for up to 100,000 rows.'),
  nans: z
    .int()
    .optional()
    .describe(
      'Number of NaN values in a floating-point column. They count as values, but not in the statistics below.',
    ),
  infinities: z.int().optional().describe('Number of infinite values in a floating-point column. Treated like `nans`.'),
  min: z.number().optional().describe('Minimum of numbers; of times in milliseconds since 1970, UTC.'),
  max: z.number().optional().describe('As `min`.'),
  mean: z.number().optional(),
  stddev: z.number().optional().describe('Sample standard deviation (n − 1).'),
  sum: z.number().optional(),
  zeros: z.int().optional(),
  negatives: z.int().optional(),
  quantiles: quantilesSchema.optional(),
  histogram: histogramSchema.optional(),
  trues: z.int().optional().describe('Number of true values in a boolean column.'),
  minLength: z.int().optional().describe('Length of text, in characters.'),
  maxLength: z.int().optional(),
  meanLength: z.number().optional(),
  empty: z.int().optional().describe('Number of empty strings.'),
  top: z.array(topValueSchema).optional().describe('Most frequent values, most frequent first.'),
  topComplete: z.boolean().optional().describe('Whether `top` contains every distinct value.'),
  masked: z
    .boolean()
    .optional()
    .describe('Whether values are omitted because the reader has no permission to see them.'),
});
export type ColumnProfile = z.output<typeof columnProfileSchema>;

export const correlationSchema = z.strictObject({
  columns: z.tuple([z.string(), z.string()]),
  pearson: z.number().describe('Pearson correlation coefficient, −1 to 1.'),
});
export type Correlation = z.output<typeof correlationSchema>;

/** Maximum number of columns with correlations. */
export const MOST_CORRELATED = 12;

export const datasetProfileSchema = z.strictObject({
  version: z.uuid().describe('Id of the dataset version.'),
  rows: z.int(),
  duplicates: z.int().optional().describe('Number of duplicate rows, equal in every column.'),
  columns: z.array(columnProfileSchema).describe('Columns in the order of the schema.'),
  correlations: z
    .array(correlationSchema)
    .describe(`Between the first ${MOST_CORRELATED} columns of numbers, strongest first.`),
  madeAt: milliseconds,
  seconds: z.number().describe('Duration.'),
});
export type DatasetProfile = z.output<typeof datasetProfileSchema>;

/**
 * Findings of a check. Names in capitals are those of TensorFlow Data Validation; the others are ours
 * (docs/guide/data-quality.md).
 */
export const anomalies = [
  'SCHEMA_NEW_COLUMN',
  'SCHEMA_MISSING_COLUMN',
  'SCHEMA_COLUMN_ORDER',
  'UNEXPECTED_DATA_TYPE',
  'FEATURE_TYPE_NOT_PRESENT',
  'FEATURE_TYPE_LOW_FRACTION_PRESENT',
  'FEATURE_TYPE_LOW_NUMBER_PRESENT',
  'FEATURE_TYPE_LOW_UNIQUE',
  'FEATURE_TYPE_HIGH_UNIQUE',
  'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
  'INT_TYPE_SMALL_INT',
  'INT_TYPE_BIG_INT',
  'FLOAT_TYPE_SMALL_FLOAT',
  'FLOAT_TYPE_BIG_FLOAT',
  'FLOAT_TYPE_HAS_NAN',
  'FLOAT_TYPE_HAS_INF',
  'TIME_OUT_OF_RANGE',
  'STRING_OUT_OF_RANGE',
  'STRING_PATTERN_MISMATCH',
  'STRING_LENGTH_OUT_OF_RANGE',
  'STRING_NOT_PARSABLE',
  'DUPLICATE_KEY',
  'DUPLICATE_ROWS',
  'REFERENCE_MISSING',
  'DATASET_STALE',
  'DATASET_LOW_NUM_EXAMPLES',
  'DATASET_HIGH_NUM_EXAMPLES',
  'COMPARATOR_LOW_NUM_EXAMPLES',
  'COMPARATOR_HIGH_NUM_EXAMPLES',
  'COMPARATOR_L_INFTY_HIGH',
  'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  'COMPARATOR_PSI_HIGH',
  'COMPARATOR_KS_HIGH',
  'COMPARATOR_CONTROL_DATA_MISSING',
  'COMPARATOR_TREATMENT_DATA_MISSING',
  'STATISTIC_OUT_OF_RANGE',
  'LABEL_IMBALANCE',
  'LABEL_MISSING_CLASS',
  'LABEL_CONFLICT',
  'LEAK_FEATURE_PREDICTS_LABEL',
  'LEAK_ID_PREDICTS_LABEL',
  'LEAK_FUTURE_TIMESTAMP',
  'SPLIT_OVERLAP_ROWS',
  'SPLIT_TIME_OVERLAP',
  'SPLIT_SKEW',
  'SPLIT_NEW_LABEL',
  'SKEW_TRAINING_SERVING',
  'CUSTOM_SQL_ROWS',
] as const;
export type Anomaly = (typeof anomalies)[number];

/** `passed`; `failed`: the data violates it; `error`: the check could not be evaluated, which counts as failed. */
const checkOutcomes = ['passed', 'failed', 'error'] as const;

export const checkFindingSchema = z.strictObject({
  column: z.string().optional().describe('Column, or several columns separated by commas.'),
  anomaly: z.enum(anomalies).optional().describe('Type of the violation; absent when the check passes.'),
  observed: z.string().describe('Observed value as text: `97.2 % of 120,000 rows`.'),
  allowed: z.string().describe('Expected value as text.'),
  value: z.number().optional().describe('Observed value, if numeric.'),
  rows: z.int().optional().describe('Number of evaluated rows.'),
  broken: z.int().optional().describe('Number of failing rows.'),
});
export type CheckFinding = z.output<typeof checkFindingSchema>;

/** Maximum number of violating rows in a result. */
export const MOST_SAMPLE_ROWS = 20;
/** Maximum number of findings in a result, violated ones first. */
export const MOST_FINDINGS = 200;

export const rowSampleSchema = z.strictObject({
  columns: z.array(z.string()),
  rows: z.array(z.array(sampleCellSchema)).describe(`At most ${MOST_SAMPLE_ROWS}; texts are cut to 200 characters.`),
  total: z.int().describe('Total number.'),
  masked: z.array(z.string()).describe('Columns whose values are hidden from the reader.'),
  withheld: z.string().optional().describe('Reason why no rows are shown.'),
});
export type RowSample = z.output<typeof rowSampleSchema>;

export const expectationResultSchema = z.strictObject({
  name: z.string(),
  type: z.string().describe('Type of the expectation.'),
  severity: z.enum(severities),
  outcome: z.enum(checkOutcomes),
  description: z.string().optional().describe('Rationale of the expectation.'),
  findings: z.array(checkFindingSchema).describe(`Observations, violations first; at most ${MOST_FINDINGS}.`),
  more: z.int().optional().describe('Number of further findings.'),
  message: z.string().optional().describe('Reason why it was not evaluated.'),
  sample: rowSampleSchema.optional().describe('Sample of failing rows.'),
});
export type ExpectationResult = z.output<typeof expectationResultSchema>;

const checkStates = ['pending', 'running', 'passed', 'failed', 'error'] as const;

export const qualityCheckSchema = z.strictObject({
  id: z.uuid(),
  dataset: z.string().describe('Name of the dataset.'),
  version: z.uuid().describe('Id of the dataset version.'),
  number: z.int().describe('Version number.'),
  state: z
    .enum(checkStates)
    .describe('`failed`: a blocking expectation failed. `error`: the checks could not run. `passed`: otherwise.'),
  gate: z.boolean().describe('Whether the validation decided about the state of the version. False: requested later.'),
  passed: z.int().describe('Number of passed expectations.'),
  failed: z.int().describe('Number of blocking expectations that failed or were not evaluated.'),
  warned: z.int().describe('Number of warning-only expectations that failed.'),
  message: z.string().optional().describe('Reason why the checks could not run.'),
  createdAt: milliseconds,
  endedAt: milliseconds.optional(),
  seconds: z.number().optional().describe('Duration.'),
  createdBy: actorSchema.optional().describe('User who requested it; absent: the platform, for a new version.'),
});
export type QualityCheck = z.output<typeof qualityCheckSchema>;

export const qualityCheckResultsSchema = z.strictObject({
  ...qualityCheckSchema.shape,
  results: z.array(expectationResultSchema).describe('Results: blocking failures first, then warnings, then the rest.'),
});
export type QualityCheckResults = z.output<typeof qualityCheckResultsSchema>;

export const suggestionSchema = z.strictObject({
  expectation: z.record(z.string(), z.unknown()).describe('Entry for `spec.expectations`.'),
  reason: z.string().describe('Evidence in the version.'),
});
export type Suggestion = z.output<typeof suggestionSchema>;

const columnShiftSchema = z.strictObject({
  column: z.string(),
  jsdLog2: z.number().describe('Jensen-Shannon divergence from the previous version, base 2.'),
});

export const qualityReportSchema = z.strictObject({
  dataset: z.string(),
  version: z.strictObject({
    id: z.uuid(),
    number: z.int(),
    state: z.string(),
    reason: z.string().optional(),
    rows: z.int(),
    bytes: z.int(),
    createdAt: milliseconds,
    createdBy: actorSchema,
    digest: z.string(),
  }),
  check: qualityCheckResultsSchema.optional().describe('Newest completed check.'),
  profile: datasetProfileSchema.optional(),
  before: z
    .strictObject({ number: z.int(), profile: datasetProfileSchema })
    .optional()
    .describe('Version that charts compare with.'),
  shifts: z.array(columnShiftSchema).describe('Distance of each column from the previous version, largest first.'),
  history: z.array(qualityCheckSchema).describe('Checks of previous versions, newest first; at most 20.'),
});
export type QualityReport = z.output<typeof qualityReportSchema>;
