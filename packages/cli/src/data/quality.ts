/** `dais data check`, `profile`, `suggest`, `report` and `release`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { countNoun, type DaisClient, DaisError, schemaIssues } from '@dais/api';
import {
  expectationsSchema,
  listQualityChecksOperation,
  makeDatasetProfileOperation,
  readDatasetProfileOperation,
  readDatasetVersionOperation,
  readQualityCheckOperation,
  readQualityReportOperation,
  readQualityReportPageOperation,
  releaseDatasetVersionOperation,
  startQualityCheckOperation,
  suggestExpectationsOperation,
  type ColumnProfile,
  type DatasetProfile,
  type DatasetVersion,
  type ExpectationResult,
  type QualityCheckResults,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readReference, readVersionReference } from './reference.ts';

const POLL_MS = 250;
/** Findings of each expectation; all of them are in the JSON and in the report. */
const SHOWN = 5;

interface VersionReference {
  readonly name: string;
  readonly version: string;
}

export const check: Run<{ readonly file?: string; readonly wait: boolean }> = async (
  context,
  [reference = ''],
  { file, wait },
) => {
  const versionReference = readReference(reference);
  const expectations = file === undefined ? {} : { expectations: await readExpectations(context, file) };
  const client = await context.connect();
  const { id } = await client.perform(startQualityCheckOperation, { ...versionReference, ...expectations });
  if (!wait) {
    if (!(await printedForPrograms(context, { id }))) context.terminal.out(`${id}\n`);
    return exitCodes.ok.code;
  }
  return await printCheck(context, await followCheck(context, client, versionReference.name, id));
};

/** A list of expectations, or the part of a manifest that `dais data suggest` writes. */
async function readExpectations(context: Context, file: string) {
  const text =
    file === '-'
      ? (await context.readStdin()).toString('utf8')
      : await readFile(resolve(context.workingFolder, file), 'utf8');
  const { parse } = await import('yaml');
  const read = parse(text) as { readonly spec?: { readonly expectations?: unknown } } | null;
  const list: unknown = Array.isArray(read) ? read : read?.spec?.expectations;
  const { success, data, error } = expectationsSchema.safeParse(list);
  if (success) return data;
  const issues = schemaIssues(error, expectationsSchema, list);
  throw new DaisError('invalid_request', `${file} is not a list of expectations.`, { issues });
}

async function followCheck(
  context: Context,
  client: DaisClient,
  name: string,
  id: string,
): Promise<QualityCheckResults> {
  for (;;) {
    const found = await client.perform(readQualityCheckOperation, { name, check: id }, { signal: context.signal });
    if (found.endedAt !== undefined) {
      context.terminal.progress('');
      return found;
    }
    context.terminal.progress(found.state === 'pending' ? 'waiting for the validation' : 'checking');
    await setTimeout(POLL_MS, undefined, { signal: context.signal });
  }
}

async function printCheck(context: Context, found: QualityCheckResults): Promise<ExitCode> {
  const code = found.state === 'passed' ? exitCodes.ok.code : exitCodes.invalid.code;
  if (await printedForPrograms(context, found)) return code;
  const { terminal } = context;
  for (const result of found.results) terminal.out(resultText(result));
  if (found.message !== undefined) terminal.err(`${found.message}\n`);
  const broken = found.failed + found.warned;
  const kept = `${countNoun(found.passed, 'expectation')} passed`;
  terminal.out(
    broken === 0 ? `${kept}.\n` : `${kept}, ${found.failed} failed, ${found.warned} failed with a warning.\n`,
  );
  return code;
}

function resultText({ name, outcome, severity, findings, message, sample }: ExpectationResult): string {
  if (outcome === 'passed') return `✓ ${name}\n`;
  const broken = findings.filter(({ anomaly }) => anomaly !== undefined);
  const lines = [
    ...(message === undefined ? [] : [message]),
    ...broken.slice(0, SHOWN).map(({ column, observed, allowed, anomaly }) => {
      const of = column === undefined ? '' : `${column}: `;
      return `${of}${observed}; expected ${allowed} (${anomaly})`;
    }),
    ...(broken.length > SHOWN ? [`and ${broken.length - SHOWN} more`] : []),
    ...(sample === undefined || sample.total === 0
      ? []
      : [`${countNoun(sample.total, 'row')} fail; the report shows a sample`]),
  ];
  return `${severity === 'block' ? '✕' : '!'} ${name}${severity === 'warn' ? ' (warns)' : ''}\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

/**
 * Waits for the checks of a version that is building, and prints their results. @returns the exit code: `invalid` for a
 * quarantined version.
 */
export async function printGate(context: Context, client: DaisClient, name: string, number: number): Promise<ExitCode> {
  const reference = { name, version: String(number) };
  const read = async () => await client.perform(readDatasetVersionOperation, reference, { signal: context.signal });
  let version: DatasetVersion = await read();
  while (version.state === 'building') {
    context.terminal.progress('waiting for the validation');
    await setTimeout(POLL_MS, undefined, { signal: context.signal });
    version = await read();
  }
  context.terminal.progress('');
  if (version.state !== 'quarantined') return exitCodes.ok.code;
  const { terminal } = context;
  terminal.err(`${terminal.errStyle.fail('error:')} ${name}@${number} is quarantined. ${version.reason ?? ''}\n`);
  terminal.err(`See it with: dais data report ${name}@${number}\n`);
  return exitCodes.invalid.code;
}

export const profile: Run<{ readonly again?: true }> = async (context, [reference = ''], { again }) => {
  const versionReference = readReference(reference);
  const client = await context.connect();
  const found =
    again === true
      ? await makeProfile(context, client, versionReference)
      : await readOrMake(context, client, versionReference);
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  printProfile(context, found);
  return exitCodes.ok.code;
};

/** Waits for a version that does not exist yet. */
async function readOrMake(context: Context, client: DaisClient, reference: VersionReference): Promise<DatasetProfile> {
  const found = await profileNow(context, client, reference);
  return found ?? (await makeProfile(context, client, reference));
}

async function profileNow(
  context: Context,
  client: DaisClient,
  reference: VersionReference,
): Promise<DatasetProfile | undefined> {
  const report = await client.perform(readQualityReportOperation, reference, { signal: context.signal });
  return report.profile === undefined
    ? undefined
    : await client.perform(readDatasetProfileOperation, reference, { signal: context.signal });
}

async function makeProfile(context: Context, client: DaisClient, reference: VersionReference): Promise<DatasetProfile> {
  const before = await profileNow(context, client, reference);
  await client.perform(makeDatasetProfileOperation, reference);
  for (;;) {
    context.terminal.progress('profiling');
    await setTimeout(POLL_MS, undefined, { signal: context.signal });
    const found = await profileNow(context, client, reference);
    if (found !== undefined && found.madeAt !== before?.madeAt) {
      context.terminal.progress('');
      return found;
    }
  }
}

function printProfile(context: Context, { rows, duplicates, columns }: DatasetProfile): void {
  const { terminal } = context;
  const cells = columns.map((column) => [
    { text: column.name },
    { text: column.type },
    { text: shareText(column.nulls, column.nulls + column.count) },
    { text: `${column.distinctIsExact === true ? '' : '≈'}${column.distinct.toLocaleString('en-US')}` },
    { text: column.masked === true ? 'masked' : figureOf(column, column.min) },
    { text: figureOf(column, column.quantiles?.p50) },
    { text: figureOf(column, column.max) },
    { text: topText(column) },
  ]);
  const heads = ['column', 'type', 'missing', 'distinct', 'min', 'median', 'max', 'most frequent'];
  terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  const twice = duplicates === undefined || duplicates === 0 ? '' : `; ${countNoun(duplicates, 'duplicate row')}`;
  remark(context, `${countNoun(rows, 'row')}, ${countNoun(columns.length, 'column')}${twice}.`);
}

function shareText(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;
}

function figureOf({ family }: ColumnProfile, value: number | undefined): string {
  if (value === undefined) return '';
  if (family === 'time') return new Date(value).toISOString().slice(0, 16).replace('T', ' ');
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(5)));
}

function topText({ top, count, trues }: ColumnProfile): string {
  if (trues !== undefined) return `true ${shareText(trues, count)}`;
  return (top ?? [])
    .slice(0, 3)
    .map((one) => `${one.value} ${shareText(one.count, count)}`)
    .join(', ');
}

export const suggest: Run = async (context, [reference = '']) => {
  const versionReference = readReference(reference);
  const client = await context.connect();
  await readOrMake(context, client, versionReference);
  const found = await client.perform(suggestExpectationsOperation, versionReference);
  if (!(await printedForPrograms(context, found))) context.terminal.out(found.manifest);
  return exitCodes.ok.code;
};

export const report: Run<{ readonly html?: true }> = async (context, [reference = ''], { html }) => {
  const versionReference = readReference(reference);
  const client = await context.connect();
  await readOrMake(context, client, versionReference);
  if (html === true) {
    const { bytes } = await client.download(readQualityReportPageOperation, versionReference, {
      signal: context.signal,
    });
    const decoder = new TextDecoder();
    for await (const chunk of bytes) context.terminal.out(decoder.decode(chunk, { stream: true }));
    return exitCodes.ok.code;
  }
  const found = await client.perform(readQualityReportOperation, versionReference);
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { terminal } = context;
  const { dataset, version, shifts, before } = found;
  terminal.out(
    `${dataset}@${version.number} is ${version.state}${version.reason === undefined ? '.' : `. ${version.reason}`}\n`,
  );
  if (found.check !== undefined) await printCheck(context, found.check);
  if (found.profile !== undefined) printProfile(context, found.profile);
  const far = shifts
    .filter(({ jsdLog2 }) => jsdLog2 >= 0.1)
    .map(({ column, jsdLog2 }) => `${column} (${jsdLog2.toFixed(2)})`);
  if (before !== undefined && far.length > 0)
    remark(context, `Drift since version ${before.number}: ${far.join(', ')}.`);
  return exitCodes.ok.code;
};

export const checks: Run<{ readonly limit: number }> = async (context, [name = ''], { limit }) => {
  const client = await context.connect();
  const found = await client.perform(listQualityChecksOperation, { name, limit: Math.min(limit, 1000) });
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { terminal } = context;
  const cells = found.items.map((one) => [
    { text: String(one.number) },
    { text: one.state },
    { text: one.gate ? 'yes' : 'no' },
    { text: String(one.passed) },
    { text: String(one.failed) },
    { text: String(one.warned) },
    { text: one.id },
  ]);
  if (cells.length === 0) remark(context, `No validations of ${name} yet.`);
  else {
    const heads = ['version', 'state', 'gate', 'passed', 'failed', 'warnings', 'check'];
    terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

export const release: Run<{ readonly reason?: string }> = async (context, [reference = ''], { reason }) => {
  const versionReference = readVersionReference(reference);
  if (reason === undefined) {
    throw new DaisError('invalid_request', 'Give the reason for the release: --reason TEXT.');
  }
  const client = await context.connect();
  const found = await client.perform(releaseDatasetVersionOperation, { ...versionReference, reason });
  if (!(await printedForPrograms(context, found)))
    context.terminal.out(`${versionReference.name}@${found.number} is ready.\n`);
  return exitCodes.ok.code;
};
