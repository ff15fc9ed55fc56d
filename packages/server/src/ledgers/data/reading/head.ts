/** The first rows of a version. */
import { DaisError, nearest } from '@dais/api';
import { column, named } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Call } from '#kernel/dispatch.ts';
import type { DataParts } from '../data-parts.ts';
import { findReadable, maskedView, withTables } from './read-version.ts';

export interface HeadInput {
  readonly name: string;
  readonly version: string;
  readonly limit: number;
  readonly columns?: readonly string[];
}

export async function headVersion(parts: DataParts, call: Call<HeadInput>) {
  const { name, version: which, limit, columns } = call.input;
  const readable = await findReadable(parts, call, `${name}@${which}`);
  const { version, masked } = readable;
  const there = version.schema.columns.map((one) => one.name);
  for (const wanted of columns ?? []) {
    if (there.includes(wanted)) continue;
    const close = nearest(wanted, there);
    const hint = close === undefined ? '' : ` Did you mean ${close}?`;
    throw new DaisError('invalid_request', `${name}@${version.number} has no column ${wanted}.${hint}`);
  }
  const view = maskedView('rows', readable);
  const chosen: Relation =
    columns === undefined
      ? view
      : { type: 'project', from: view, keep: 'none', columns: columns.map((one) => named(one, column(one))) };
  const engine = await parts.query();
  const result = await withTables(parts, { rows: version }, async (tables) => {
    const query: Relation = { type: 'limit', from: chosen, count: limit + 1 };
    const job = { tables, query, output: { type: 'rows', limit } as const, owner: call.tenant.id };
    return await engine.run(job, { signal: call.context.signal });
  });
  return {
    version: version.number,
    columns: result.columns.map(({ name: of, type }) => ({ name: of, type })),
    rows: result.rows,
    truncated: result.truncated,
    masked: masked.map((one) => one.column),
  };
}
