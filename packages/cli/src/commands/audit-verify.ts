import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { countNoun, DaisError } from '@dais/api';
import { listAuditCheckpointsOperation, readAuditKeyOperation } from '@dais/api/audit';
import { findingText, LogVerifier, toBase64 } from '@dais/api/tlog';
import { openNotes, readCheckpointFiles, type ReadCheckpoints } from '#audit/checkpoint-files.ts';
import { logKey, treeHasher, type LogKey } from '#audit/log-keys.ts';
import { fileEntries, serverEntries } from '#audit/log-source.ts';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';

interface VerifyOptions {
  readonly checkpoints?: readonly string[];
  readonly publicKey?: string;
  readonly export?: string;
}

export const run: Run<VerifyOptions> = async (context, _args, options) => {
  const key = await chooseKey(context, options);
  const { checkpoints, problems } = await chooseCheckpoints(context, options, key);
  const verifier = new LogVerifier(treeHasher, checkpoints);
  const pages =
    options.export === undefined
      ? serverEntries(await context.connect(), context.signal)
      : fileEntries(resolve(context.workingFolder, options.export));
  for await (const { entries, size } of pages) {
    context.signal.throwIfAborted();
    for (const entry of entries) verifier.add(entry);
    context.terminal.progress(`${verifier.size}${size === undefined ? '' : ` of ${size}`} entries verified`);
  }
  context.terminal.progress('');
  const report = verifier.end();
  const findings = [...problems, ...report.findings.map(findingText)];
  const result = {
    ok: findings.length === 0,
    size: report.size,
    root: toBase64(report.root),
    checkpoints: report.met,
    covered: report.covered,
    findings,
  };
  if (!(await printedForPrograms(context, result))) show(context, result, options);
  return result.ok ? exitCodes.ok.code : exitCodes.failed.code;
};

function show(
  context: Context,
  result: {
    readonly size: number;
    readonly checkpoints: number;
    readonly covered: number;
    readonly findings: readonly string[];
  },
  options: VerifyOptions,
): void {
  const { terminal } = context;
  const { style } = terminal;
  const { size, checkpoints, covered, findings } = result;
  for (const finding of findings) terminal.out(`${style.fail('failed')}  ${finding}\n`);
  const entries = size === 1 ? '1 entry' : `${size} entries`;
  if (findings.length === 0) {
    terminal.out(`${style.ok('verified')}  ${entries} against ${countNoun(checkpoints, 'checkpoint')}.\n`);
  }
  if (covered < size) remark(context, `Entries ${covered} to ${size - 1} are not signed yet.`);
  if (options.checkpoints === undefined) {
    remark(
      context,
      'The checkpoints came from the same server. To detect manipulation by its owner, use checkpoints stored elsewhere: --checkpoints.',
    );
  }
}

/** @throws DaisError `invalid_request`. */
async function chooseKey(context: Context, { publicKey, export: file }: VerifyOptions): Promise<LogKey> {
  if (publicKey !== undefined) {
    // A key has `+` between its parts; a path with such a name can be written with a leading ./.
    const isKey = /^[^\s+/]*[^\s+]*\+[0-9a-f]{8}\+\S+$/.test(publicKey);
    return logKey(isKey ? publicKey : await readFile(resolve(context.workingFolder, publicKey), 'utf8'));
  }
  if (file !== undefined) {
    throw new DaisError('invalid_request', 'An export is verified with --public-key: what `dais audit key` printed.');
  }
  const client = await context.connect();
  return logKey((await client.perform(readAuditKeyOperation, {}, { signal: context.signal })).verifierKey);
}

/** @throws DaisError `invalid_request`. */
async function chooseCheckpoints(context: Context, options: VerifyOptions, key: LogKey): Promise<ReadCheckpoints> {
  if (options.checkpoints !== undefined) {
    const paths = options.checkpoints.map((path) => resolve(context.workingFolder, path));
    return await readCheckpointFiles(paths, key);
  }
  if (options.export !== undefined) {
    throw new DaisError('invalid_request', 'An export is verified against checkpoints: --checkpoints FILE.');
  }
  const client = await context.connect();
  const notes: string[] = [];
  for (let after = 0; ;) {
    const { items } = await client.perform(listAuditCheckpointsOperation, { after }, { signal: context.signal });
    notes.push(...items.map((item) => item.note));
    const last = items.at(-1);
    if (last === undefined) break;
    after = last.size;
  }
  return openNotes(notes, key, 'the server');
}
