/** Expectations that depend on the schema only. */
import type { CheckFinding, DataColumn } from '@dais/api/data';
import { familyOf, isInteger } from '../column-family.ts';
import { CheckFault, findColumn, missingColumn, pickColumns, type Check } from './check-context.ts';

const FAMILIES: Readonly<Record<string, (column: DataColumn) => boolean>> = {
  integer: isInteger,
  number: (column) => familyOf(column) === 'number',
  list: ({ type }) => type.startsWith('list<'),
  struct: ({ type }) => type.startsWith('struct<'),
};

/** Whether a column has a type: `int32` matches `int32`, `integer` and `number`. */
function hasType(column: DataColumn, word: string): boolean {
  const plain = (text: string) => text.replaceAll(/\s/g, '').toLowerCase();
  return FAMILIES[word]?.(column) ?? plain(column.type) === plain(word);
}

export const schema: Check<'schema'> = async ({ columns, extra, ordered }, context) => {
  const pinned = context.pinned && Object.fromEntries(context.pinned.map(({ name, type }) => [name, type]));
  const wanted = columns ?? pinned;
  if (wanted === undefined) throw new CheckFault('The expectation has no `columns`, and the dataset does not pin a schema. Set `columns`.');
  const names = Object.keys(wanted);
  const findings: CheckFinding[] = names.map((name) => {
    const found = findColumn(context.columns, name);
    const type = wanted[name] ?? '';
    if (found === undefined) return missingColumn(name);
    const right = hasType(found, type);
    return {
      column: name,
      ...(!right && { anomaly: 'UNEXPECTED_DATA_TYPE' as const }),
      observed: found.type,
      allowed: type,
    };
  });
  const known = new Set(names);
  if (extra === 'refuse') {
    for (const { name, type } of context.columns.filter((one) => !known.has(one.name))) {
      findings.push({ column: name, anomaly: 'SCHEMA_NEW_COLUMN', observed: type, allowed: 'no additional columns' });
    }
  }
  if (ordered) {
    const seen = context.columns.map(({ name }) => name).filter((name) => known.has(name));
    const want = names.filter((name) => seen.includes(name));
    const at = want.findIndex((name, i) => seen[i] !== name);
    const [missed] = want.slice(at, at + 1);
    if (at >= 0 && missed !== undefined) {
      const observed = `${seen[at]} at position ${at + 1}`;
      findings.push({ column: missed, anomaly: 'SCHEMA_COLUMN_ORDER', observed, allowed: `${missed} at position ${at + 1}` });
    }
  }
  return { findings };
};

export const columnType: Check<'columnType'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const findings = found.map((column): CheckFinding => {
    const right = hasType(column, expectation.is);
    return {
      column: column.name,
      ...(!right && { anomaly: 'UNEXPECTED_DATA_TYPE' as const }),
      observed: column.type,
      allowed: expectation.is,
    };
  });
  return { findings: [...missing, ...findings] };
};
