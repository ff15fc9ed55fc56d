/** Constraints on the rows of every version: required values, and unique keys. */
import { countNoun, DaisError, type Issue } from '@dais/api';
import { type DataColumn } from '@dais/api/data';
import type { FileTable, QueryEngine, RunOptions, Statement } from '#engines/query/contract.ts';
import { aggregate, call, column, filter, named, scan } from '#engines/query/model/build.ts';
import { engineColumns } from './columns.ts';

const SHOWN = 5;

interface Checked {
  readonly columns: readonly DataColumn[];
  readonly keys: readonly string[];
  /** Columns whose values must not appear in messages. */
  readonly hidden: ReadonlySet<string>;
}

/** Checks required values and keys. @throws DaisError `data_invalid`. */
export async function checkTable(
  engine: QueryEngine,
  files: FileTable['files'],
  { columns, keys, hidden }: Checked,
  options: RunOptions & { readonly owner: string },
): Promise<void> {
  const required = columns.filter(({ name, nullable }) => !nullable || keys.includes(name)).map(({ name }) => name);
  if (required.length === 0 || files.length === 0) return;
  const counts: Statement = {
    query: {
      type: 'aggregate',
      from: scan('rows', required),
      by: [],
      columns: required.map((name, at) => {
        const where = call('is-null', column(name));
        return named(`n${at}`, aggregate('count', [], { where }));
      }),
    },
    output: { type: 'rows', limit: 1 },
  };
  const double: Statement[] = keys.length === 0 ? [] : [doubleKeys(keys)];
  const result = await engine.run(
    { ...counts, tables: { rows: { files, columns: engineColumns(columns) } }, more: double, owner: options.owner },
    options,
  );
  const nulls = result.rows[0] ?? [];
  const issues = required.flatMap((name, at): Issue[] => {
    const n = Number(nulls[at] ?? 0);
    if (n === 0) return [];
    const why = keys.includes(name) ? 'it is one of `spec.keys`' : 'it is not `nullable`';
    return [{ path: name, message: `${name} has no value in ${countNoun(n, 'row')}, but ${why}.` }];
  });
  const twice = result.more[0]?.rows ?? [];
  if (twice.length > 0) {
    const more = twice.length > SHOWN ? ' and more' : '';
    const values = twice.slice(0, SHOWN).map((row) => {
      const [times = '', ...key] = row.map((cell) => JSON.stringify(cell)).toReversed();
      return `${key.toReversed().join(', ')} (${times} times)`;
    });
    const shown = keys.some((key) => hidden.has(key)) ? '' : `: ${values.join('; ')}${more}`;
    const message = `Several rows have the same keys ${keys.join(', ')}${shown}. Keep one row of each, or remove the keys from \`spec.keys\`.`;
    issues.push({ path: keys.join(', '), message });
  }
  if (issues.length > 0) {
    throw new DaisError('data_invalid', issues.map(({ message }) => message).join(' '), { issues });
  }
}

function doubleKeys(keys: readonly string[]): Statement {
  return {
    query: {
      type: 'limit',
      count: SHOWN + 1,
      from: filter(
        {
          type: 'aggregate',
          from: scan('rows', keys),
          by: keys.map((key) => named(key, column(key))),
          columns: [named('times here', aggregate('count'))],
        },
        call('>', column('times here'), { type: 'literal', value: 1 }),
      ),
    },
    output: { type: 'rows', limit: SHOWN + 1 },
  };
}
