/** What a person expects of every version of a dataset, whoever writes it down: a manifest, or a check by hand. */
import { z } from 'zod';
import type { Issue } from '#errors.ts';

export const severities = ['block', 'warn'] as const;
export type Severity = (typeof severities)[number];

const columnName = z.string().min(1).max(256);
const columnNames = z.array(columnName).min(1).max(1000).describe('Column names; each is checked separately.');
const share = z.number().min(0).max(1);
const bound = z.union([z.number(), z.string().min(1).max(64)]);
const cell = z.union([z.string().max(4096), z.number(), z.boolean()]);
const sqlText = z.string().min(1).max(20_000);
const versionName = z.string().min(1).max(512);

const common = {
  name: z.string().min(1).max(128).optional().describe('What results call it. Default: its type and its columns.'),
  description: z.string().max(1024).optional().describe('Why it is expected, in a sentence.'),
  severity: z
    .enum(severities)
    .default('block')
    .describe('`block`: a version that fails it is quarantined. `warn`: only reported.'),
};
const where = sqlText
  .optional()
  .describe("Only rows for which this condition holds count: SQL over the columns, as `carrier = 'AA'`.");
const atLeast = share.default(1).describe('The least share of rows that keep it. 0.99: one in a hundred may break it.');
const rows = { ...common, where, atLeast };

const columnTypeWord = z
  .string()
  .min(1)
  .max(256)
  .describe(
    'A type of the schema, as `int32`, or a word for several: `integer`, `number`, `string`, `boolean`, `date`, `time`, `timestamp`, `binary`, `list`, `struct`.',
  );

/** How far two distributions are apart: each name says the formula and the base of its logarithm. */
export const distances = ['jsd_log2', 'js_distance_ln', 'psi', 'l_infinity', 'ks'] as const;
export type Distance = (typeof distances)[number];

const distance = {
  columns: columnNames.optional().describe('Default: every column of numbers, times, booleans and words.'),
  metric: z
    .enum(distances)
    .default('jsd_log2')
    .describe(
      '`jsd_log2`: Jensen-Shannon divergence, base 2, 0 to 1 (as TFDV and Vertex). `js_distance_ln`: its root with natural logarithm (as Evidently). `psi`: population stability index over tenths of the reference. `l_infinity`: the largest difference of two shares. `ks`: the largest difference of two cumulative shares, for numbers and times.',
    ),
  atMost: z.number().min(0).max(1000).default(0.1).describe('The largest distance that is expected.'),
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

const splitBy = columnName.describe('The column that says to which split a row belongs.');

const variants = [
  z.strictObject({
    type: z.literal('schema').describe('The columns are these, of these types.'),
    ...common,
    columns: z
      .record(columnName, columnTypeWord)
      .optional()
      .describe('Type by name of column. Default: those of the schema that the dataset is pinned to.'),
    extra: z.enum(['allow', 'refuse']).default('refuse').describe('What becomes of columns that are not named.'),
    ordered: z.boolean().default(false).describe('They also stand in this order.'),
  }),
  z.strictObject({
    type: z.literal('presence').describe('These columns are there, and none of them is empty throughout.'),
    ...common,
    columns: columnNames,
  }),
  z.strictObject({
    type: z.literal('completeness').describe('Values are there: not null.'),
    ...rows,
    columns: columnNames.optional().describe('Default: every column.'),
    minCount: z.int().min(0).optional().describe('So many rows have a value, whatever their share.'),
  }),
  z.strictObject({
    type: z.literal('columnType').describe('Columns have this type.'),
    ...common,
    columns: columnNames,
    is: columnTypeWord,
  }),
  z.strictObject({
    type: z.literal('parses').describe('Texts can be read as values of this type.'),
    ...rows,
    columns: columnNames,
    as: z.enum(['integer', 'number', 'boolean', 'date', 'timestamp', 'uuid']).describe('The type.'),
  }),
  z.strictObject({
    type: z.literal('domain').describe('Values are among these.'),
    ...rows,
    columns: columnNames,
    values: z.array(cell).min(1).max(10_000).describe('All of them: texts, numbers or booleans.'),
  }),
  z.strictObject({
    type: z.literal('range').describe('Numbers, dates and times are within the bounds, both inclusive.'),
    ...rows,
    columns: columnNames,
    min: bound.optional().describe('A number, or a date or time as text: `2020-01-01`, `2020-01-01T00:00:00Z`.'),
    max: bound.optional().describe('As `min`.'),
  }),
  z.strictObject({
    type: z.literal('finite').describe('Numbers are neither NaN nor infinite.'),
    ...rows,
    columns: columnNames.optional().describe('Default: every column of floating numbers.'),
  }),
  z.strictObject({
    type: z.literal('pattern').describe('Texts match a regular expression (RE2), as a whole.'),
    ...rows,
    columns: columnNames,
    pattern: z.string().min(1).max(2000).describe('`[A-Z]{3}`.'),
  }),
  z.strictObject({
    type: z.literal('length').describe('Texts have so many characters.'),
    ...rows,
    columns: columnNames,
    min: z.int().min(0).optional().describe('At least.'),
    max: z.int().min(0).optional().describe('At most.'),
  }),
  z.strictObject({
    type: z.literal('unique').describe('No two rows have the same values in these columns together.'),
    ...rows,
    columns: columnNames.describe(
      'One column, or several that are a key together. Rows with a null in it do not count.',
    ),
  }),
  z.strictObject({
    type: z.literal('distinct').describe('So many different values.'),
    ...common,
    where,
    columns: columnNames,
    min: z.int().min(0).optional().describe('At least.'),
    max: z.int().min(0).optional().describe('At most.'),
  }),
  z.strictObject({
    type: z.literal('reference').describe('Values are found in another dataset.'),
    ...rows,
    columns: columnNames,
    in: versionName.describe('The version that has them: `airports@latest`, `airports@7`.'),
    to: columnNames.optional().describe('Its columns. Default: columns of the same names.'),
  }),
  z.strictObject({
    type: z.literal('freshness').describe('The newest row is not old.'),
    ...common,
    where,
    column: columnName.optional().describe('The time of a row. Default: the event time of the dataset.'),
    withinHours: z
      .number()
      .positive()
      .max(1_000_000)
      .describe('Between its latest time and the creation of the version.'),
  }),
  z.strictObject({
    type: z.literal('rowCount').describe('The version has so many rows.'),
    ...common,
    where,
    min: z.int().min(0).optional().describe('At least.'),
    max: z.int().min(0).optional().describe('At most.'),
  }),
  z.strictObject({
    type: z.literal('rowCountChange').describe('The number of rows is close to the previous version.'),
    ...common,
    min: z
      .number()
      .min(0)
      .optional()
      .describe('Rows now, divided by rows before: 0.5 refuses the loss of more than half.'),
    max: z.number().min(0).optional().describe('As `min`.'),
  }),
  z.strictObject({
    type: z.literal('statistic').describe('A column statistic is within the bounds, both inclusive.'),
    ...common,
    where,
    columns: columnNames,
    statistic: z.enum(columnStatistics).describe('`p25`: a quarter of the values is smaller.'),
    min: z.number().optional().describe('At least.'),
    max: z.number().optional().describe('At most.'),
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
    atLeast: z.number().min(0).default(0.1).describe('The least value of the measure.'),
  }),
  z.strictObject({
    type: z.literal('classes').describe('Each of these classes has rows.'),
    ...common,
    where,
    column: columnName.optional().describe('Default: the label of the dataset.'),
    values: z.array(cell).min(1).max(10_000).describe('All of them: texts, numbers or booleans.'),
    minRows: z.int().min(1).default(1).describe('So many for each class.'),
    split: splitBy.optional().describe('When given, each split must have them.'),
  }),
  z.strictObject({
    type: z.literal('labelConflict').describe('Rows that are equal have the same label.'),
    ...rows,
    label: columnName.optional().describe('Default: the label of the dataset.'),
    columns: columnNames
      .optional()
      .describe('What makes rows equal. Default: every column but the label, keys, times and the split.'),
  }),
  z.strictObject({
    type: z.literal('leakage').describe('No single column predicts the label (target leakage).'),
    ...common,
    where,
    label: columnName.optional().describe('Default: the label of the dataset.'),
    columns: columnNames.optional().describe('Default: every column but the label.'),
    atMost: share
      .default(0.95)
      .describe(
        'The most that one column may tell: area under its ROC curve for a label of two classes, else normalized mutual information.',
      ),
  }),
  z.strictObject({
    type: z.literal('futureTime').describe('Timestamps are not later than their time of use.'),
    ...rows,
    columns: columnNames.describe('Times of what a row tells.'),
    before: columnName
      .optional()
      .describe(
        'The time at which the label was known. Default: the event time of the dataset, or the creation of the version.',
      ),
  }),
  z.strictObject({
    type: z.literal('duplicates').describe('Rows are not there twice.'),
    ...common,
    where,
    columns: columnNames.optional().describe('What makes rows equal. Default: every column.'),
    atMost: share.default(0).describe('The largest share of rows that are there already.'),
  }),
  z.strictObject({
    type: z.literal('splitOverlap').describe('No row is in two splits.'),
    ...common,
    split: splitBy.optional(),
    with: versionName.optional().describe('Or: another version that must have none of these rows.'),
    columns: columnNames.optional().describe('What makes rows equal. Default: every column but the split.'),
    atMost: share.default(0).describe('The largest share of rows that are in another split too.'),
  }),
  z.strictObject({
    type: z.literal('splitTime').describe('Splits follow one another in time.'),
    ...common,
    split: splitBy,
    order: z.array(cell).min(2).max(100).describe('Splits from the earliest on: `[train, validation, test]`.'),
    column: columnName.optional().describe('Default: the event time of the dataset.'),
  }),
  z.strictObject({
    type: z.literal('splitSkew').describe('Splits are distributed alike, and one has no label that the first lacks.'),
    ...common,
    where,
    split: splitBy,
    reference: cell.describe('The split that others are compared with: `train`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('drift').describe('Columns are distributed as before.'),
    ...common,
    where,
    against: versionName
      .default('previous')
      .describe('`previous`: the version before that is ready. Or a version by name: `flights@12`, `flights@golden`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('servingSkew').describe('What was trained on is distributed as what is served.'),
    ...common,
    where,
    serving: versionName.describe('The version with what was served: `flights-served@latest`.'),
    ...distance,
  }),
  z.strictObject({
    type: z.literal('sql').describe('A query gives no rows: those that it gives break the expectation.'),
    ...common,
    query: sqlText.describe(
      'SQL of the query engine. The version is the table `data`: `select * from data where dep > arr`.',
    ),
    atMost: z.int().min(0).default(0).describe('So many rows are no fault.'),
  }),
] as const;

export const expectationSchema = z.discriminatedUnion('type', variants);
export type Expectation = z.output<typeof expectationSchema>;
export type ExpectationType = Expectation['type'];
export type ExpectationOf<Type extends ExpectationType> = Extract<Expectation, { type: Type }>;

/** The most that one dataset has. */
const MOST_EXPECTATIONS = 500;

export const expectationsSchema = z
  .array(expectationSchema)
  .max(MOST_EXPECTATIONS)
  .describe('What every version must keep before it is ready.');

/** What expectations are called in results: their own name, or type and columns. Unique in a list by a number behind. */
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

const BOUNDED = new Set<ExpectationType>(['range', 'length', 'distinct', 'rowCount', 'rowCountChange', 'statistic']);

/** What JSON Schema cannot say of expectations. `path` is where the list stands: `spec.expectations`. */
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
  if (BOUNDED.has(expectation.type)) {
    const { min, max } = expectation as { min?: number | string; max?: number | string };
    if (min === undefined && max === undefined) {
      issues.push({ path: at, message: 'has no bound', expected: '`min`, `max` or both' });
    } else if (min !== undefined && max !== undefined) {
      if (typeof min !== typeof max) {
        issues.push({
          path: `${at}.max`,
          message: 'is of another type than `min`',
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
    issues.push({ path: `${at}.atMost`, message: 'is more than such a distance can be', expected: 'at most 1' });
  }
  return issues;
}
