/** Expectations that each row passes or fails: one count each, all in one scan. */
import type { Anomaly, DataColumn } from '@dais/api/data';
import { aggregate, allOf, call, cast, column, filter, literal } from '#engines/query/model/build.ts';
import type { Expression, LiteralExpression } from '#engines/query/model/query-tree.ts';
import { familyOf, isFloating, isInteger } from '../column-values.ts';
import { relationOf } from './check-queries.ts';
import { ExpectationError, pickColumns, type Check, type CheckContext, type Result } from './check-context.ts';
import { asCount, countText, isWithinLimit, shareText } from './formats.ts';

/** The test of one column, per row. */
interface RowTest {
  readonly of: DataColumn;
  readonly anomaly: Anomaly;
  /** Condition for rows to count; default: rows with a value. */
  readonly rows?: Expression;
  /** True for rows that fail. Rows that do not count are excluded. */
  readonly breaks: Expression;
  /** The anomaly to report if most failing rows match this condition. */
  readonly other?: { readonly breaks: Expression; readonly anomaly: Anomaly };
  /** The description of passing values: `from 0 to 120`. */
  readonly right: string;
}

interface RowExpectation {
  readonly where?: string | undefined;
  readonly atLeast: number;
}

async function testRows(
  { where, atLeast }: RowExpectation,
  names: readonly string[],
  context: CheckContext,
  testOf: (of: DataColumn) => RowTest | readonly RowTest[],
): Promise<Result> {
  const { found, missing } = pickColumns(context, names);
  const tests = found.flatMap((of) => testOf(of));
  const rows = { table: 'data', where };
  const answers = await context.queries.aggregates(
    rows,
    tests.flatMap((test) => {
      const counts = test.rows ?? call('is-not-null', column(test.of.name));
      const broken = allOf(counts, test.breaks);
      const other = test.other === undefined ? literal(false) : allOf(counts, test.other.breaks);
      return [counts, broken, other].map((condition) => aggregate('count', [], { where: condition }));
    }),
  );
  const findings = tests.map((test, i) => {
    const [total = 0, broken = 0, other = 0] = answers.slice(3 * i, 3 * i + 3).map(asCount);
    const share = total === 0 ? 1 : (total - broken) / total;
    const anomaly = test.other !== undefined && other > broken / 2 ? test.other.anomaly : test.anomaly;
    return {
      column: test.of.name,
      ...(!isWithinLimit(broken, total, atLeast) && { anomaly }),
      observed: `${shareText(share)} of ${countText(total)}`,
      allowed: atLeast === 1 ? `every row ${test.right}` : `at least ${shareText(atLeast)} ${test.right}`,
      value: share,
      rows: total,
      broken,
    };
  });
  const bad = tests.filter((_, i) => findings[i]?.anomaly !== undefined);
  const broken = findings.filter(({ anomaly }) => anomaly !== undefined);
  return {
    findings: [...missing, ...findings],
    ...(bad.length > 0 && {
      offending: filter(
        relationOf(rows),
        anyOf(bad.map((test) => allOf(test.rows ?? call('is-not-null', column(test.of.name)), test.breaks))),
      ),
      // The failing rows of several columns can overlap, and their union is not counted.
      total: Math.max(...broken.map((one) => one.broken)),
      show: bad.map(({ of }) => of.name),
    }),
  };
}

function anyOf(conditions: readonly Expression[]): Expression {
  const [only] = conditions;
  return conditions.length === 1 && only !== undefined ? only : call('or', ...conditions);
}

const every = (context: CheckContext) => context.columns.map(({ name }) => name);

export const completeness: Check<'completeness'> = async (expectation, context) => {
  const { minCount } = expectation;
  const result = await testRows(expectation, expectation.columns ?? every(context), context, (of) => ({
    of,
    anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
    rows: literal(true),
    breaks: call('is-null', column(of.name)),
    right: expectation.atLeast === 1 ? 'has a value' : 'have a value',
  }));
  if (minCount === undefined) return result;
  return {
    ...result,
    findings: result.findings.map((finding) => {
      const present = (finding.rows ?? 0) - (finding.broken ?? 0);
      if (finding.rows === undefined || finding.anomaly !== undefined || present >= minCount) return finding;
      const allowed = `at least ${countText(minCount)} with a value`;
      return { ...finding, anomaly: 'FEATURE_TYPE_LOW_NUMBER_PRESENT', observed: countText(present), allowed };
    }),
  };
};

export const presence: Check<'presence'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const answers = await context.queries.aggregates(
    { table: 'data' },
    found.map(({ name }) => aggregate('count', [column(name)])),
  );
  const findings = found.map(({ name }, i) => {
    const present = asCount(answers[i]);
    return {
      column: name,
      ...(present === 0 && { anomaly: 'FEATURE_TYPE_NOT_PRESENT' as const }),
      observed: `${countText(present)} with a value`,
      allowed: 'at least 1 row with a value',
      value: present,
    };
  });
  return { findings: [...missing, ...findings] };
};

/** Returns a value of a manifest as a literal of the column's type. @throws ExpectationError if it does not fit */
function valueFor(of: DataColumn, value: string | number | boolean): LiteralExpression {
  const family = familyOf(of);
  if (family === 'text') return literal(String(value), 'string');
  if (family === 'boolean' && typeof value === 'boolean') return literal(value, 'boolean');
  if (family === 'number' && typeof value === 'number') return literal(value, 'float64');
  if (family === 'time' && typeof value === 'string') return literal(momentText(of, value), 'timestamp');
  throw new ExpectationError(`${JSON.stringify(value)} is not a value of column ${of.name} (${of.type}).`);
}

/** @throws ExpectationError */
function momentText({ name }: DataColumn, value: string): string {
  const text = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`;
  const time = Date.parse(zoned);
  if (Number.isNaN(time))
    throw new ExpectationError(`${JSON.stringify(value)} is not a date or time, as column ${name} requires.`);
  return new Date(time).toISOString();
}

/** Returns the expression that values are compared by. */
function comparable(of: DataColumn): Expression {
  const value = column(of.name);
  if (familyOf(of) === 'number') return cast(value, 'float64');
  return of.type === 'date' ? cast(value, 'timestamp') : value;
}

export const domain: Check<'domain'> = async (expectation, context) => {
  const { values } = expectation;
  const few = values.slice(0, 5).map(String).join(', ');
  const right = `among ${values.length > 5 ? `${few}, … (${values.length} values)` : few}`;
  return await testRows(expectation, expectation.columns, context, (of) => {
    const known = { type: 'in', value: comparable(of), options: values.map((value) => valueFor(of, value)) } as const;
    return { of, anomaly: 'ENUM_TYPE_UNEXPECTED_STRING_VALUES', breaks: call('not', known), right };
  });
};

export const range: Check<'range'> = async (expectation, context) => {
  const { min, max } = expectation;
  return await testRows(expectation, expectation.columns, context, (of) => {
    const family = familyOf(of);
    if (family !== 'number' && family !== 'time' && family !== 'text') {
      throw new ExpectationError(
        `${of.name} is ${of.type}, which has no order. A range needs a number, time or text column.`,
      );
    }
    const wrong = [min, max].find((limit) => typeof limit === (family === 'number' ? 'string' : 'number'));
    if (wrong !== undefined)
      throw new ExpectationError(`${JSON.stringify(wrong)} is not a valid limit of column ${of.name} (${of.type}).`);
    const value = comparable(of);
    const broken = [
      ...(min === undefined ? [] : [call('<', value, valueFor(of, min))]),
      ...(max === undefined ? [] : [call('>', value, valueFor(of, max))]),
      // NaN is outside of every range.
      ...(isFloating(of) ? [call('is-nan', column(of.name))] : []),
    ];
    const right =
      max === undefined ? `at least ${min}` : min === undefined ? `at most ${max}` : `from ${min} to ${max}`;
    const anomaly = rangeAnomaly(of, false);
    const below =
      min === undefined
        ? {}
        : { other: { breaks: call('<', value, valueFor(of, min)), anomaly: rangeAnomaly(of, true) } };
    return { of, anomaly, ...below, breaks: anyOf(broken), right };
  });
};

function rangeAnomaly(of: DataColumn, below: boolean): Anomaly {
  if (familyOf(of) === 'time') return 'TIME_OUT_OF_RANGE';
  if (familyOf(of) === 'text') return 'STRING_OUT_OF_RANGE';
  if (isInteger(of)) return below ? 'INT_TYPE_SMALL_INT' : 'INT_TYPE_BIG_INT';
  return below ? 'FLOAT_TYPE_SMALL_FLOAT' : 'FLOAT_TYPE_BIG_FLOAT';
}

export const finite: Check<'finite'> = async (expectation, context) => {
  const names = expectation.columns ?? context.columns.filter(isFloating).map(({ name }) => name);
  return await testRows(expectation, names, context, (of) => {
    if (!isFloating(of)) return [];
    const value = column(of.name);
    return [
      { of, anomaly: 'FLOAT_TYPE_HAS_NAN', breaks: call('is-nan', value), right: 'is not NaN' },
      {
        of,
        anomaly: 'FLOAT_TYPE_HAS_INF',
        breaks: allOf(call('not', call('is-finite', value)), call('not', call('is-nan', value))),
        right: 'is not infinite',
      },
    ];
  });
};

export const pattern: Check<'pattern'> = async (expectation, context) => {
  // Match the whole value; an expression that is already anchored is not affected.
  const whole = `^(?:${expectation.pattern})$`;
  return await testRows(expectation, expectation.columns, context, (of) => ({
    of,
    anomaly: 'STRING_PATTERN_MISMATCH',
    breaks: call('not', call('matches', textOf(of), literal(whole))),
    right: `matches ${expectation.pattern}`,
  }));
};

function textOf(of: DataColumn): Expression {
  if (familyOf(of) === 'text') return column(of.name);
  throw new ExpectationError(`${of.name} is ${of.type}, not text.`);
}

export const length: Check<'length'> = async (expectation, context) => {
  const { min, max } = expectation;
  const right = max === undefined ? `at least ${min}` : min === undefined ? `at most ${max}` : `from ${min} to ${max}`;
  return await testRows(expectation, expectation.columns, context, (of) => {
    const characters = call('length', textOf(of));
    const broken = [
      ...(min === undefined ? [] : [call('<', characters, literal(min))]),
      ...(max === undefined ? [] : [call('>', characters, literal(max))]),
    ];
    return { of, anomaly: 'STRING_LENGTH_OUT_OF_RANGE', breaks: anyOf(broken), right: `has ${right} characters` };
  });
};

const PARSED = {
  integer: 'int64',
  number: 'float64',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
} as const;
const PATTERNS = { uuid: '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', integer: '^[ ]*[+-]?[0-9]+[ ]*$' };

export const parses: Check<'parses'> = async (expectation, context) => {
  const { as } = expectation;
  return await testRows(expectation, expectation.columns, context, (of) => {
    const text = textOf(of);
    const test = { of, anomaly: 'STRING_NOT_PARSABLE' as const, right: `can be parsed as ${as}` };
    if (as === 'uuid') return { ...test, breaks: call('not', call('matches', text, literal(PATTERNS.uuid))) };
    const unread = call('is-null', cast(text, PARSED[as], { lenient: true }));
    // Engines round `1.5` to an integer, so the text is checked first.
    const whole = call('not', call('matches', text, literal(PATTERNS.integer)));
    return { ...test, breaks: as === 'integer' ? call('or', whole, unread) : unread };
  });
};

export const futureTime: Check<'futureTime'> = async (expectation, context) => {
  const before = expectation.before ?? context.eventTime;
  const limit = before === undefined ? undefined : context.columns.find(({ name }) => name === before);
  if (before !== undefined && limit === undefined) return { findings: pickColumns(context, [before]).missing };
  const made = literal(new Date(context.createdAt).toISOString(), 'timestamp');
  const result = await testRows(expectation, expectation.columns, context, (of) => {
    if (familyOf(of) !== 'time') throw new ExpectationError(`${of.name} is ${of.type}, not a date or time.`);
    // The event time itself must be before the creation of the version.
    const other = limit === undefined || limit.name === of.name ? undefined : limit;
    const boundary = other === undefined ? made : comparable(other);
    const right = other === undefined ? 'is not after the creation of the version' : `is not after ${other.name}`;
    return { of, anomaly: 'LEAK_FUTURE_TIMESTAMP', breaks: call('>', comparable(of), boundary), right };
  });
  const show = [...(result.show ?? []), ...(before === undefined ? [] : [before])];
  return { ...result, ...(result.show !== undefined && { show }) };
};
