/** `dais data head` and `dais data sql`. */
import { DaisError } from '@dais/api';
import { headDatasetVersionOperation, queryDataOperation } from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readReference } from './reference.ts';

/** Rows as operations give them. */
export interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
  readonly masked: readonly string[];
}

export const head: Run<{ readonly rows: number }> = async (context, [reference = ''], { rows: limit }) => {
  const client = await context.connect();
  const result = await client.perform(headDatasetVersionOperation, { ...readReference(reference), limit });
  return await printRows(context, result, false);
};

export const sql: Run<{ readonly limit: number }> = async (context, [text = ''], { limit }) => {
  const query = text === '-' ? (await context.readStdin()).toString('utf8') : text;
  const client = await context.connect();
  try {
    const result = await client.perform(queryDataOperation, { sql: query, limit }, { signal: context.signal });
    return await printRows(context, result, true);
  } catch (error) {
    if (!(error instanceof DaisError) || error.issues === undefined) throw error;
    // Positions are those of the query: its line is printed.
    context.sentTexts.set('query', query);
    const issues = error.issues.map((issue) => ({ ...issue, file: 'query', message: error.message }));
    throw new DaisError(error.code, error.message, { issues });
  }
};

/** Formats a value for a table. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export async function printRows(context: Context, reported: Rows, printsTruncation: boolean): Promise<number> {
  if (await printedForPrograms(context, reported)) return exitCodes.ok.code;
  const { terminal } = context;
  const heads = reported.columns.map(({ name }) => (reported.masked.includes(name) ? `${name} (masked)` : name));
  const cells = reported.rows.map((row) => row.map((value) => ({ text: cellText(value) })));
  terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  if (reported.truncated && printsTruncation)
    remark(context, `More rows exist than these ${reported.rows.length}; increase --limit.`);
  return exitCodes.ok.code;
}
