/** `dais predictions query`, `tail` and `get`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readLineageOperation } from '@dais/api/lineage';
import { queryPredictionsOperation, readPredictionOperation, tailPredictionsOperation } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { cellText, printRows } from '#data/rows.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

const POLL_MS = 2000;
/** Lineage depth from a version of a model: its run, the data that the run read, and the sources of that data. */
const LINEAGE_DEPTH = 4;

interface QueryOptions {
  readonly sql: string;
  readonly since?: number;
  readonly limit: number;
}

export const query: Run<QueryOptions> = async (context, [endpoint = ''], { sql, since, limit }) => {
  const text = sql === '-' ? (await context.readStdin()).toString('utf8') : sql;
  const client = await context.connect();
  const input = { endpoint, sql: text, limit, ...(since !== undefined && { from: context.now() - since }) };
  const result = await client.perform(queryPredictionsOperation, input, { signal: context.signal });
  return await printRows(context, result, true);
};

interface TailOptions {
  readonly follow?: boolean;
  readonly rows: number;
}

export const tail: Run<TailOptions> = async (context, [endpoint = ''], { follow = false, rows: limit }) => {
  const client = await context.connect();
  let result = await client.perform(tailPredictionsOperation, { endpoint, limit });
  await printRows(context, result, false);
  while (!context.signal.aborted) {
    if (!follow) break;
    const position = result.columns.findIndex(({ name }) => name === 'prediction_id');
    const last = result.rows.at(-1)?.[position];
    await sleep(POLL_MS, undefined, { signal: context.signal });
    const after = typeof last === 'string' ? { after: last } : {};
    const more = await client.perform(tailPredictionsOperation, { endpoint, limit: 1000, ...after });
    if (more.rows.length === 0) continue;
    await printRows(context, more, false);
    result = more;
  }
  return exitCodes.ok.code;
};

export const get: Run = async (context, [endpoint = '', id = '']) => {
  const client = await context.connect();
  const one = await client.perform(readPredictionOperation, { endpoint, id });
  const [, version] = one.lineage;
  const graph =
    version === undefined
      ? undefined
      : await client.perform(readLineageOperation, { node: version, direction: 'upstream', depth: LINEAGE_DEPTH });
  if (await printedForPrograms(context, { ...one, ...(graph !== undefined && { upstream: graph.nodes }) })) {
    return exitCodes.ok.code;
  }
  const { terminal } = context;
  for (const row of one.rows) {
    for (const [index, { name }] of one.columns.entries()) {
      const value = cellText(row[index]);
      const masked = one.masked.includes(name) ? ' (masked)' : '';
      if (value !== '' || masked !== '') terminal.out(`${`${name}${masked}`.padEnd(24)} ${value}\n`);
    }
    terminal.out('\n');
  }
  for (const label of one.labels) {
    const when = new Date(label.at).toISOString();
    terminal.out(`row ${label.row}: ground truth ${label.value}, recorded by ${label.by} at ${when}\n`);
  }
  for (const node of graph?.nodes ?? []) terminal.out(`from ${node.type} ${node.name ?? node.node}\n`);
  return exitCodes.ok.code;
};
