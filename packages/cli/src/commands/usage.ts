/** `dais usage`: what steps, models, storage and queries used. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError, type DaisClient } from '@dais/api';
import {
  exportOrganizationUsageOperation,
  exportUsageOperation,
  listOrganizationUsageOperation,
  listOwnUsageOperation,
  listUsageOperation,
  sumOrganizationUsageOperation,
  sumOwnUsageOperation,
  sumUsageOperation,
  type UsageGroup,
  type UsageRecord,
  type UsageSum,
  type UsageType,
} from '@dais/api/usage';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { numberText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface UsageOptions {
  readonly by: UsageGroup;
  readonly since: number;
  readonly organization?: true;
  readonly mine?: true;
  readonly type?: UsageType;
  readonly person?: string;
  readonly resource?: string;
  readonly records?: true;
  readonly export?: string;
  readonly limit: number;
}

const PAGE = 500;

type Scope = 'project' | 'organization' | 'mine';

interface Filter {
  readonly from: string;
  readonly until: string;
  readonly type?: UsageType;
  readonly person?: string;
  readonly resource?: string;
}

interface PageInput extends Filter {
  readonly limit: number;
  readonly cursor?: string;
}

async function sumPage(client: DaisClient, scope: Scope, input: PageInput & { readonly by: UsageGroup }) {
  if (scope === 'project') return await client.perform(sumUsageOperation, input);
  return await (scope === 'mine'
    ? client.perform(sumOwnUsageOperation, input)
    : client.perform(sumOrganizationUsageOperation, input));
}

async function listPage(client: DaisClient, scope: Scope, input: PageInput) {
  if (scope === 'project') return await client.perform(listUsageOperation, input);
  return await (scope === 'mine'
    ? client.perform(listOwnUsageOperation, input)
    : client.perform(listOrganizationUsageOperation, input));
}

export const showUsage: Run<UsageOptions> = async (context, _args, options) => {
  const { organization = false, mine = false, since, type, person, resource, by } = options;
  if (organization && mine) throw new DaisError('invalid_request', 'Use --organization or --mine, not both.');
  if (mine && (person !== undefined || options.export !== undefined)) {
    throw new DaisError('invalid_request', 'Use --mine without --person and --export.');
  }
  const client = await context.connect();
  const scope = organization ? 'organization' : mine ? 'mine' : 'project';
  const until = new Date(context.now());
  const filter = {
    from: new Date(until.getTime() - since).toISOString(),
    until: until.toISOString(),
    ...(type !== undefined && { type }),
    ...(person !== undefined && { person }),
    ...(resource !== undefined && { resource }),
  };
  if (options.export !== undefined)
    return await exportTo(context, client, { filter, organization, file: options.export });
  if (options.records === true) return await printRecords(context, client, { filter, scope, limit: options.limit });
  const items: UsageSum[] = [];
  let total: UsageSum | undefined;
  for (let cursor: string | undefined; ;) {
    const input = { ...filter, by, limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const page = await sumPage(client, scope, input);
    items.push(...page.items);
    total ??= page.total;
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  const sorted = items.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, options.limit);
  const { from } = filter;
  if (await printedForPrograms(context, { from, until: filter.until, by, items: sorted, total })) {
    return exitCodes.ok.code;
  }
  printSums(context, { by, items: sorted, total });
  return exitCodes.ok.code;
};

/** The largest usage comes first: time on machines, then queries and storage. */
function weightOf({ stepSeconds, replicaSeconds, querySeconds, storedByteDays }: UsageSum): number {
  return stepSeconds + replicaSeconds + querySeconds + storedByteDays / 1e12;
}

type Quantity = 'count' | 'time' | 'core time' | 'storage';

/** Quantities are in seconds and bytes × days. */
const COLUMNS: readonly (readonly [head: string, quantity: Quantity, valueOf: (sum: UsageSum) => number])[] = [
  ['attempts', 'count', ({ attempts }) => attempts],
  ['steps', 'time', ({ stepSeconds }) => stepSeconds],
  ['CPU', 'core time', ({ cpuSeconds }) => cpuSeconds],
  ['requested CPU', 'core time', ({ requestedCpuSeconds }) => requestedCpuSeconds],
  ['devices', 'time', ({ deviceSeconds }) => deviceSeconds],
  ['replicas', 'time', ({ replicaSeconds }) => replicaSeconds],
  ['storage', 'storage', ({ storedByteDays }) => storedByteDays],
  ['queries', 'count', ({ queries }) => queries],
  ['query time', 'time', ({ querySeconds }) => querySeconds],
];

/** Units, the largest first, each with its size and the smallest total that it is used for, as in the console. */
const UNITS: Readonly<Record<Quantity, readonly (readonly [unit: string, size: number, from: number])[]>> = {
  count: [],
  time: [
    ['h', 3600, 7200],
    ['min', 60, 120],
    ['s', 1, 0],
  ],
  'core time': [
    ['core-h', 3600, 7200],
    ['core-min', 60, 120],
    ['core-s', 1, 0],
  ],
  storage: [
    ['GB-days', 1e9, 1e9],
    ['MB-days', 1e6, 1e6],
    ['kB-days', 1e3, 0],
  ],
};

interface Sums {
  readonly by: UsageGroup;
  readonly items: readonly UsageSum[];
  readonly total: UsageSum | undefined;
}

/** Prints the columns that have a value. */
function printSums(context: Context, { by, items, total }: Sums): void {
  if (total === undefined || items.length === 0) {
    remark(context, 'No usage in this period. Run a job, serve a model or query data, or use a longer --since.');
    return;
  }
  const columns = COLUMNS.filter(([, , valueOf]) => valueOf(total) > 0).map(([head, quantity, valueOf]) => {
    const [unit, size] = UNITS[quantity].find(([, , from]) => valueOf(total) >= from) ?? [undefined, 1];
    const text = (sum: UsageSum) => numberText(valueOf(sum) / size);
    return { head: unit === undefined ? head : `${head} (${unit})`, text };
  });
  const cells = (sum: UsageSum) => columns.map(({ text }) => ({ text: text(sum) }));
  const rows = [
    ...items.map((sum) => [{ text: sum.key ?? 'none' }, ...cells(sum)]),
    [{ text: 'total' }, ...cells(total)],
  ];
  const { terminal } = context;
  const heads = [by, ...columns.map(({ head }) => head)];
  terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
}

async function printRecords(
  context: Context,
  client: DaisClient,
  { filter, scope, limit }: { readonly filter: Filter; readonly scope: Scope; readonly limit: number },
): Promise<number> {
  const items: UsageRecord[] = [];
  for (let cursor: string | undefined; ;) {
    const input = { ...filter, limit: Math.min(limit - items.length, PAGE), ...(cursor !== undefined && { cursor }) };
    const page = await listPage(client, scope, input);
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  const rows = items.map(({ endedAt, type, quantity, unit, project, person, resource, node }) => [
    { text: endedAt },
    { text: type },
    { text: `${numberText(quantity)} ${unit}` },
    { text: project },
    { text: person ?? '' },
    { text: resource ?? '' },
    { text: node ?? '' },
  ]);
  const { terminal } = context;
  const heads = ['end', 'type', 'quantity', 'project', 'person', 'resource', 'node'];
  if (rows.length > 0) terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  else remark(context, 'No usage records in this period.');
  return exitCodes.ok.code;
}

async function exportTo(
  context: Context,
  client: DaisClient,
  { filter, organization, file }: { readonly filter: Filter; readonly organization: boolean; readonly file: string },
): Promise<number> {
  const format = /\.(csv|parquet)$/i.exec(file)?.[1]?.toLowerCase();
  if (format !== 'csv' && format !== 'parquet') {
    throw new DaisError(
      'invalid_request',
      `The format of ${file} is unknown. Use a name that ends in .csv or .parquet.`,
    );
  }
  const path = resolve(context.workingFolder, file);
  const input = { ...filter, format } as const;
  const settings = { signal: context.signal };
  const { bytes } = organization
    ? await client.download(exportOrganizationUsageOperation, input, settings)
    : await client.download(exportUsageOperation, input, settings);
  try {
    await pipeline(Readable.fromWeb(bytes as never), createWriteStream(`${path}.part`), { signal: context.signal });
    await rename(`${path}.part`, path);
  } catch (error) {
    await rm(`${path}.part`, { force: true });
    throw error;
  }
  if (!(await printedForPrograms(context, { file: path, format }))) context.terminal.out(`${path}\n`);
  return exitCodes.ok.code;
}
