/** Expectations for every version of a dataset, in a manifest or in a manual check. */
import { z } from 'zod';
import type { Issue } from '#errors.ts';

export const severities = ['block', 'warn'] as const;
export type Severity = (typeof severities)[number];

const columnName = z.string().min(1).max(256);
const columnNames = z.array(columnName).min(1).max(1000).describe('Columns; each is checked separately.');
const share = z.number().min(0).max(1);
const limit = z.union([z.number(), z.string().min(1).max(64)]);
const cell = z.union([z.string().max(4096), z.number(), z.boolean()]);
const sqlText = z.string().min(1).max(20_000);
const versionName = z.string().min(1).max(512);

const common = {
  name: z.string().min(1).max(128).optional().describe('Name in results. Default: type and columns.'),
  description: z.string().max(1024).optional().describe('Rationale of the expectation.'),
  severity: z
    .enum(severities)
    .default('block')
    .describe('`block`: a version that fails is quarantined. `warn`: only reported.'),
};
const where = sqlText
  .optional()
  .describe("Only rows for which this condition holds count: SQL over the columns, as `carrier = 'AA'`.");
const atLeast = share.default(1).describe('Minimum share of rows that pass. 0.99 allows one failing row in a hundred.');
const rows = { ...common, where, atLeast };

const columnTypeWord = z
  .string()
  .min(1)
  .max(256)
  .describe(
    'Data type of the schema, such as `int32`, or a type class: `integer`, `number`, `string`, `boolean`, `date`, `time`, `timestamp`, `binary`, `list`, `struct`.',
  );

/** Distances of two distributions: each name has the formula and the base of its logarithm. */
export const distances = ['jsd_log2', 'js_distance_ln', 'psi', 'l_infinity', 'ks'] as const;
export type Distance = (typeof distances)[number];

const distance = {
  columns: columnNames.optional().describe('Default: every column of numbers, times, booleans and categories.'),
  metric: z
    .enum(distances)
    .default('jsd_log2')
    .describe(
      '`jsd_log2`: Jensen-Shannon divergence, base 2, 0 to 1 (as TFDV and Vertex). `js_distance_ln`: its root with natural logarithm (as Evidently). `psi`: population stability index over tenths of the reference. `l_infinity`: the largest difference of two shares. `ks`: the largest difference of two cumulative shares, for numbers and times.',
    ),
  atMost: z.number().min(0).max(1000).default(0.1).describe('Maximum distance.'),
};

const balanceMeasures = ['ratio', 'evenness', 'gini', 'effectiveClasses', 'minShare'] as const;

const columnStatistics = [
  'min',
  'max',
  'mean',
  'stddev',
  'sum',
  'median',
  'p01',
  'p05',
  'p25',
  'p75',
  'p95',
  'p99',
] as const;

const splitBy = columnName.describe('Column with the split of a row.');

const variants = [
  z.strictObject({
    type: z.literal('schema').describe('Columns have the given names and types.'),
    ...common,
    columns: z
      .record(columnName, columnTypeWord)
      .optional()
      .describe('Data type by column. Default: the pinned schema of the dataset.'),
    extra: z.enum(['allow', 'refuse']).default('refuse').describe('Handling of columns that are not listed.'),
    ordered: z.boolean().default(false).describe('Whether the order of the columns must match.'),
  }),
  z.strictObject({
    type: z.literal('presence').describe('The columns exist, and each has at least one value.'),
    ...common,
    columns: columnNames,
  }),
  z.strictObject({
    type: z.literal('completeness').describe('Values are not null.'),
    ...rows,
    columns: columnNames.optional().describe('Default: every column.'),
    minCount: z.int().min(0).optional().describe('Minimum number of rows with a value.'),
  }),
  z.strictObject({
    type: z.literal('columnType').describe('Columns have the given type.'),
    ...common,
    columns: columnNames,
    is: columnTypeWord,
  }),
  z.strictObject({
    type: z.literal('parses').describe('Texts can be read as values of this type.'),
    ...rows,
    columns: columnNames,
    as: z.enum(['integer', 'number', 'boolean', 'date', 'timestamp', 'uuid']).describe('Data type.'),
  }),
  z.strictObject({
    type: z.literal('domain').describe('Values are in the given set.'),
    ...rows,
    columns: columnNames,
    values: z.array(cell).min(1).max(10_000).describe('Allowed values: all text, all numbers or all booleans.'),
  }),
  z.strictObject({
    type: z.literal('range').describe('Numbers, dates and times are in the range, both ends inclusive.'),
    ...rows,
    columns: columnNames,
    min: limit.optional().describe('Number, or a date or time as text: `2020-01-01`, `2020-01-01T00:00:00Z`.'),
    max: limit.optional().describe('As `min`.'),
  }),
  z.strictObject({
    type: z.literal('finite').describe('Numbers are finite.'),
    ...rows,
    columns: columnNames.optional().describe('Default: every floating-point column.'),
  }),
  z.strictObject({
    type: z.literal('pattern').describe('Text matches a regular expression (RE2) as a whole.'),
    ...rows,
    columns: columnNames,
    pattern: z.string().min(1).max(2000).describe('`[A-Z]{3}`.'),
  }),
  z.strictObject({
    type: z.literal('length').describe('Length of text is in the range.'),
    ...rows,
    columns: columnNames,
    min: z.int().min(0).optional().describe('Minimum.'),
    max: z.int().min(0).optional().describe('Maximum.'),
  }),
  z.strictObject({
    type: z.literal('unique').describe('The combination of these columns is unique.'),
    ...rows,
    columns: columnNames.describe('Columns of the key. Rows with a null in the key do not count.'),
  }),
  z.strictObject({
    type: z.literal('distinct').describe('The number of distinct values is in the range.'),
    ...common,
    where,
    columns: columnNames,
    min: z.int().min(0).optional().describe('Minimum.'),
    max: z.int().min(0).optional().describe('Maximum.'),
  }),
  z.strictObject({
    type: z.literal('reference').describe('Values exist in another dataset.'),
    ...rows,
    columns: columnNames,
    in: versionName.describe('Version with the values: `airports@latest`, `airports@7`.'),
    to: columnNames.optional().describe('Columns of that version. Default: columns with the same names.'),
  }),
  z.strictObject({
    type: z.literal('freshness').describe('The newest row is recent.'),
    ...common,
    where,
    column: columnName.optional().describe('Time column. Default: the event time of the dataset.'),
    withinHours: z
      .number()
      .positive()
      .max(1_000_000)
      .describe('Maximum time between the newest row and the creation of the version.'),
  }),
  z.strictObject({
    type: z.literal('rowCount').describe('The number of rows is in the range.'),
    ...common,
    where,
    min: z.int().min(0).optional().describe('Minimum.'),
    max: z.int().min(0).optional().describe('Maximum.'),
  }),
  z.strictObject({
    type: z.literal('rowCountChange').describe('The number of rows is close to the previous version.'),
    ...common,
    min: z
      .number()
      .min(0)
      .optional()
      .describe('Number of rows divided by the previous number. 0.5 rejects a loss of more than half.'),
    max: z.number().min(0).optional().describe('As `min`.'),
  }),
  z.strictObject({
    type: z.literal('statistic').describe('A column statistic is in the range, both ends inclusive.'),
    ...common,
    where,
    columns: columnNames,
    statistic: z.enum(columnStatistics).describe('`p25`: 25th percentile.'),
    min: z.number().optional().describe('Minimum.'),
    max: z.number().optional().describe('Maximum.'),
  }),
  z.strictObject({
    type: z.literal('balance').describe('No class is far more frequent than another.'),
    ...common,
    where,
    column: columnName.optional().describe('Default: the label of the dataset.'),
    measure: z
      .enum(balanceMeasures)
      .default('ratio')
      .describe(
        '`ratio`: rows of the rarest class for each of the most frequent one. `evenness`: entropy over that of equal classes. `gini`: chance that two rows differ. `effectiveClasses`: e to the entropy. `minShare`: share of the rarest class.',
      ),
    atLeast: z.number().min(0).default(0.1).describe('Minimum of the measure.'),
  }),
  z.strictObject({
    type: z.literal('classes').describe('Each of the given classes has rows.'),
    ...common,
    where,
    column: columnName.optional().describe('Default: the label of the dataset.'),
    values: z.array(cell).min(1).max(10_000).describe('Allowed values: all text, all numbers or all booleans.'),
    minRows: z.int().min(1).default(1).describe('Minimum number of rows per class.'),
    split: splitBy.optional().describe('Split column. If set, each split must have the classes.'),
  }),
  z.strictObject({
    type: z.literal('labelConflict').describe('Equal rows have the same label.'),
    ...rows,
    label: columnName.optional().describe('Default: the label of the dataset.'),
    columns: columnNames
      .optional()
      .describe('Columns that determine equality. Default: all except the label, keys, times and the split.'),
  }),
  z.strictObject({
    type: z.literal('leakage').describe('No single column predicts the label (target leakage).'),
    ...common,
    where,
    label: columnName.optional().describe('Default: the label of the dataset.'),
    columns: columnNames.optional().describe('Default: every column except the label.'),
    atMost: share
      .default(0.95)
      .describe(
        'Maximum predictive power of one column: area under the ROC curve for a binary label, otherwise normalized mutual information.',
      ),
  }),
  z.strictObject({
    type: z.literal('futureTime').describe('Timestamps are not later than their time of use.'),
    ...rows,
    columns: columnNames.describe('Time columns of the features of a row.'),
    before: columnName
      .optional()
      .describe('Time of the label. Default: the event time of the dataset, or the creation of the version.'),
  }),
  z.strictObject({
    type: z.literal('duplicates').describe('Rows are unique.'),
    ...common,
    where,
    columns: columnNames.optional().describe('Columns that determine equality. Default: all.'),
    atMost: share.default(0).describe('Maximum share of duplicate rows.'),
  }),
  z.strictObject({
    type: z.literal('splitOverlap').describe('No row is in two splits.'),
    ...common,
    split: splitBy.optional(),
    with: versionName.optional().describe('Alternatively: another version that must not contain these rows.'),
    columns: columnNames.optional().describe('Columns that determine equality. Default: all except the split.'),
    atMost: share.default(0).describe('Maximum share of rows that are also in another split.'),
  }),
  z.strictObject({
    type: z.literal('splitTime').describe('Splits follow one another in time.'),
    ...common,
    split: splitBy,
    order: z.array(cell).min(2).max(100).describe('Splits, earliest first: `[train, validation, test]`.'),
    column: columnName.optional().describe('Default: the event time of the dataset.'),
  }),
  z.strictObject({
    type: z
      .literal('splitSkew')
      .describe('Splits have similar distributions, and no split has a label that the first one lacks.'),
    ...common,
    where,
    split: splitBy,
    reference: cell.describe('Baseline split: `train`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('drift').describe('The distribution of columns is close to the baseline.'),
    ...common,
    where,
    against: versionName
      .default('previous')
      .describe('Baseline. `previous`: the previous ready version. Or a version: `flights@12`, `flights@golden`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('servingSkew').describe('The training data has the distribution of the served data.'),
    ...common,
    where,
    serving: versionName.describe('Version with the served data: `flights-served@latest`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('sql').describe('A query returns no rows. Each returned row is a violation.'),
    ...common,
    query: sqlText.describe('SQL query. The version is the table `data`: `select * from data where dep > arr`.'),
    atMost: z.int().min(0).default(0).describe('Number of rows that are tolerated.'),
  }),
] as const;

export const expectationSchema = z.discriminatedUnion('type', variants);
export type Expectation = z.output<typeof expectationSchema>;
export type ExpectationType = Expectation['type'];
export type ExpectationOf<Type extends ExpectationType> = Extract<Expectation, { type: Type }>;

/** Maximum number for one dataset. */
const MOST_EXPECTATIONS = 500;

export const expectationsSchema = z
  .array(expectationSchema)
  .max(MOST_EXPECTATIONS)
  .describe('Expectations that a version must meet before it is ready.');

/** Names of expectations in results: their own name, or type and columns. A number makes them unique in a list. */
export function expectationNames(expectations: readonly Expectation[]): readonly string[] {
  const seen = new Map<string, number>();
  return expectations.map((expectation) => {
    const plain = expectation.name ?? plainName(expectation);
    const before = seen.get(plain) ?? 0;
    seen.set(plain, before + 1);
    return before === 0 ? plain : `${plain} #${before + 1}`;
  });
}

function plainName(expectation: Expectation): string {
  const columns = columnsOf(expectation);
  if (columns.length === 0) return expectation.type;
  const shown = columns.slice(0, 4).join(', ');
  return `${expectation.type}(${columns.length > 4 ? `${shown}, …` : shown})`;
}

/** The columns that an expectation names itself. */
function columnsOf(expectation: Expectation): readonly string[] {
  if (expectation.type === 'schema') return Object.keys(expectation.columns ?? {});
  const named = 'columns' in expectation ? (expectation.columns ?? []) : [];
  const one = 'column' in expectation && expectation.column !== undefined ? [expectation.column] : [];
  const label = 'label' in expectation && expectation.label !== undefined ? [expectation.label] : [];
  const split = 'split' in expectation && expectation.split !== undefined ? [expectation.split] : [];
  const before = 'before' in expectation && expectation.before !== undefined ? [expectation.before] : [];
  return [...named, ...one, ...label, ...split, ...before];
}

const WITH_LIMITS = new Set<ExpectationType>([
  'range',
  'length',
  'distinct',
  'rowCount',
  'rowCountChange',
  'statistic',
]);

/** Rules for expectations beyond JSON Schema. `path` is that of the list: `spec.expectations`. */
export function checkExpectations(expectations: readonly Expectation[], path: string): Issue[] {
  const issues: Issue[] = [];
  const names = new Map<string, number>();
  for (const [index, expectation] of expectations.entries()) {
    const at = `${path}[${index}]`;
    if (expectation.name !== undefined) {
      const before = names.get(expectation.name);
      if (before !== undefined) {
        issues.push({ path: `${at}.name`, message: `is that of expectation ${before} too`, expected: 'another name' });
      }
      names.set(expectation.name, index);
    }
    issues.push(...checkOne(expectation, at));
  }
  return issues;
}

function checkOne(expectation: Expectation, at: string): Issue[] {
  const issues: Issue[] = [];
  if (WITH_LIMITS.has(expectation.type)) {
    const { min, max } = expectation as { min?: number | string; max?: number | string };
    if (min === undefined && max === undefined) {
      issues.push({ path: at, message: 'has no threshold', expected: '`min`, `max` or both' });
    } else if (min !== undefined && max !== undefined) {
      if (typeof min !== typeof max) {
        issues.push({
          path: `${at}.max`,
          message: 'has a different type than `min`',
          expected: 'two numbers or two texts',
        });
      } else if (min > max) {
        issues.push({ path: `${at}.max`, message: 'is less than `min`', expected: `at least ${min}` });
      }
    }
  }
  if (expectation.type === 'splitOverlap' && (expectation.split === undefined) === (expectation.with === undefined)) {
    issues.push({
      path: at,
      message: 'names no other rows, or two kinds of them',
      expected: 'either `split` or `with`',
    });
  }
  if (
    expectation.type === 'reference' &&
    expectation.to !== undefined &&
    expectation.to.length !== expectation.columns.length
  ) {
    const expected = `${expectation.columns.length} names, one for each of \`columns\``;
    issues.push({ path: `${at}.to`, message: `has ${expectation.to.length} names`, expected });
  }
  if ('metric' in expectation && expectation.metric === 'l_infinity' && expectation.atMost > 1) {
    issues.push({ path: `${at}.atMost`, message: 'exceeds the maximum of this distance', expected: 'at most 1' });
  }
  return issues;
}
