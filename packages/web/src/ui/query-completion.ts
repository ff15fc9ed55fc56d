/** Completions of a filter, by its grammar and the known keys and values. Pure functions. */
import { formatKey, lexFilter, type FilterEntity, type FilterToken, type FilterValueType } from '@dais/api/filter';

export interface QueryChoice {
  /** The text that replaces the range from `from` to the caret. */
  readonly insert: string;
  readonly label: string;
  readonly detail?: string;
}

export interface QueryCompletion {
  readonly from: number;
  readonly choices: readonly QueryChoice[];
}

export interface KnownKeys {
  /** By the name of the family: `metric`. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Known values of a key. */
  readonly values: (family: string, key: string) => readonly string[];
}

/** Maximum number of completions. */
const OFFERED = 50;

/** `before`: the text up to the caret. */
export function completeQuery(entity: FilterEntity, before: string, known: KnownKeys): QueryCompletion {
  const tokens = lexFilter(before);
  const clause = tokens.slice(tokens.findLastIndex(isAnd) + 1);
  const last = clause.at(-1);
  const open = last !== undefined && last.offset + last.raw.length === before.length ? last : undefined;
  const done = open === undefined ? clause : clause.slice(0, -1);
  const operatorAt = done.findIndex(isOperator);
  if (operatorAt >= 0) {
    const subject = subjectOf(entity, before, done.slice(0, operatorAt));
    // `IS` and `NOT` are incomplete operators.
    const operators = done.slice(operatorAt).filter(isOperator);
    const whole = operators.at(-1)?.text.toUpperCase() === 'NULL' || done.length > operatorAt + operators.length;
    if (whole) return at(open, before, [choice('AND', 'AND ')]);
    return at(open, before, subject === undefined ? [] : valueChoices(subject, known));
  }
  const quoted = open?.kind === 'other' && open.raw.startsWith('`');
  if (done.length === 0 || quoted) {
    const from = (quoted ? done[0] : open)?.offset ?? before.length;
    return { from, choices: fitting(before.slice(from), keyChoices(entity, known)) };
  }
  const subject = subjectOf(entity, before, done);
  return at(
    open,
    before,
    (subject?.value.operators ?? []).map((operator) => choice(operator, `${operator} `)),
  );
}

interface Subject {
  readonly family: string;
  readonly key: string;
  readonly value: FilterValueType;
}

function at(open: FilterToken | undefined, before: string, choices: readonly QueryChoice[]): QueryCompletion {
  const from = open?.offset ?? before.length;
  return { from, choices: fitting(before.slice(from), choices) };
}

function choice(label: string, insert: string, detail?: string): QueryChoice {
  return { label, insert, ...(detail !== undefined && { detail }) };
}

/** Entries that start with the text, then those that contain it. */
function fitting(written: string, choices: readonly QueryChoice[]): readonly QueryChoice[] {
  const lower = written.replace(/^['"`]/, '').toLowerCase();
  if (lower === '') return choices.slice(0, OFFERED);
  const ranked = choices.flatMap((one) => {
    const position = one.label.toLowerCase().indexOf(lower);
    return position < 0 || one.label === written ? [] : [{ one, place: Math.min(position, 1) }];
  });
  return ranked
    .toSorted((a, b) => a.place - b.place)
    .slice(0, OFFERED)
    .map(({ one }) => one);
}

function keyChoices(entity: FilterEntity, known: KnownKeys): readonly QueryChoice[] {
  return entity.families.flatMap((family) => {
    const keys = family.keys?.map(({ name }) => name) ?? known.keys[family.name] ?? [];
    return keys.map((key) => {
      const text = formatKey(entity, family.name, key);
      return choice(text, `${text} `, family.name);
    });
  });
}

function valueChoices({ family, key, value }: Subject, known: KnownKeys): readonly QueryChoice[] {
  return known.values(family, key).map((text) => {
    const written = value.type === 'number' ? text : `'${text.replaceAll("'", "''")}'`;
    return choice(written, `${written} `);
  });
}

/** Undefined for words outside the grammar. */
function subjectOf(entity: FilterEntity, text: string, tokens: readonly FilterToken[]): Subject | undefined {
  const [first] = tokens;
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const written = text.slice(first.offset, last.offset + last.raw.length);
  const dot = written.indexOf('.');
  const word = dot < 0 ? undefined : written.slice(0, dot);
  const family = entity.families.find(({ name, words }) =>
    word === undefined ? name === entity.bare : words.includes(word),
  );
  if (family === undefined) return undefined;
  const key = unquoted(dot < 0 ? written : written.slice(dot + 1));
  const known = family.keys?.find(({ name, aliases }) => name === key || aliases?.includes(key) === true);
  const value = family.keys === undefined ? family.value : known?.value;
  return value === undefined ? undefined : { family: family.name, key: known?.name ?? key, value };
}

function unquoted(key: string): string {
  const quote = key.charAt(0);
  return quote !== '' && '`"\''.includes(quote) && key.length > 1 && key.endsWith(quote)
    ? key.slice(1, -1).replaceAll(quote + quote, quote)
    : key;
}

const isAnd = ({ kind, text }: FilterToken) => kind === 'word' && text.toUpperCase() === 'AND';

const WORDS = new Set(['LIKE', 'ILIKE', 'IN', 'IS', 'NOT', 'NULL']);
const isOperator = ({ kind, text }: FilterToken) =>
  kind === 'operator' || (kind === 'word' && WORDS.has(text.toUpperCase()));
