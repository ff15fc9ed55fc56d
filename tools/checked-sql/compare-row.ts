/** Compares the declared type of a row with the columns that PostgreSQL returns. */
import type { Described, ResultColumn } from './describe-statement.ts';
import type { Family, RowProperty, RowType } from './row-type.ts';

/** The result types of the driver's parsers; see engines/database/wire-statement.ts. */
const PARSED: ReadonlyMap<string, Family> = new Map([
  ['smallint', 'number'],
  ['integer', 'number'],
  ['oid', 'number'],
  ['real', 'number'],
  ['double precision', 'number'],
  ['bigint', 'bigint'],
  ['boolean', 'boolean'],
  ['timestamp with time zone', 'Date'],
  ['bytea', 'Buffer'],
  ['json', 'json'],
  ['jsonb', 'json'],
  ['interval', 'object'],
  ['point', 'object'],
]);

/** Arrays whose items the driver parses; it leaves those of other types as one text, or as texts. */
const ARRAYS: ReadonlyMap<string, Family> = new Map([
  ['smallint[]', 'number'],
  ['integer[]', 'number'],
  ['oid[]', 'number'],
  ['real[]', 'number'],
  ['double precision[]', 'number'],
  ['bigint[]', 'bigint'],
  ['boolean[]', 'boolean'],
  ['timestamp with time zone[]', 'Date'],
  ['bytea[]', 'Buffer'],
  ['json[]', 'json'],
  ['jsonb[]', 'json'],
  ['text[]', 'string'],
  ['character varying[]', 'string'],
  ['character[]', 'string'],
  ['uuid[]', 'string'],
  ['numeric[]', 'string'],
  ['date[]', 'string'],
  ['timestamp without time zone[]', 'string'],
  ['inet[]', 'string'],
]);

/** Values that JSON has; a text of JSON's own is a string. */
const JSON_FAMILIES: ReadonlySet<string> = new Set(['object', 'string', 'number', 'boolean', 'any']);

export function compareRow(row: RowType, { columns }: Described): readonly string[] {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const problems = row.properties.flatMap((property) => {
    const column = byName.get(property.name);
    if (column === undefined) return property.optional ? [] : [`${property.name}: declared, but no result column`];
    return compareColumn(property, column);
  });
  if (row.open || row.properties.length === 0) return problems;
  const declared = new Set(row.properties.map(({ name }) => name));
  const undeclared = columns.filter(({ name }) => !declared.has(name));
  return [
    ...problems,
    ...undeclared.map(({ name, type }) => `${name}: a result column of type ${type} that the row type lacks`),
  ];
}

function compareColumn(property: RowProperty, column: ResultColumn): readonly string[] {
  const problems: string[] = [];
  if (!accepts(column.type, property.families)) {
    problems.push(
      `${property.name}: declared ${property.text}, but ${column.type} is read as ${parsedAs(column.type)}`,
    );
  }
  if (column.nullability === 'maybe' && !property.nullable) {
    problems.push(`${property.name}: declared ${property.text}, but the column can be null`);
  }
  return problems;
}

function accepts(type: string, families: readonly Family[]): boolean {
  if (type === 'void') return true;
  const item = ARRAYS.get(type);
  if (item !== undefined) {
    return families.some((family) => {
      if (family === 'any') return true;
      if (!family.startsWith('array:')) return false;
      return acceptsOne(item, family.slice('array:'.length));
    });
  }
  const parsed = PARSED.get(type) ?? 'string';
  return families.some((family) => acceptsOne(parsed, family));
}

function acceptsOne(parsed: Family, family: Family): boolean {
  if (family === 'any') return true;
  if (parsed === 'json') return JSON_FAMILIES.has(family) || family.startsWith('array:');
  return parsed === family;
}

function parsedAs(type: string): string {
  const item = ARRAYS.get(type);
  return item === undefined ? (PARSED.get(type) ?? 'string') : `${item}[]`;
}
