/** `dais model scan`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { countNoun, DaisError } from '@dais/api';
import {
  readModelScanOperation,
  reopenModelFindingOperation,
  startModelScanOperation,
  waiveModelFindingOperation,
  type ModelScan,
} from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 300;

interface ScanOptions {
  readonly again?: boolean;
  readonly waive?: readonly string[];
  readonly reopen?: readonly string[];
  readonly reason?: string;
}

/** Exits with a failure code when the version is blocked, so that a script stops. */
export const scan: Run<ScanOptions> = async (
  context,
  [reference = ''],
  { again = false, waive = [], reopen = [], reason = '' },
) => {
  const [, name, version] = /^(.+)\/([1-9]\d{0,8})$/.exec(reference) ?? [];
  if (name === undefined || version === undefined) {
    throw new DaisError(
      'invalid_request',
      `"${reference}" does not name a version. Write NAME/VERSION, for example flights/7.`,
    );
  }
  const client = await context.connect();
  const of = { name, version };
  for (const finding of waive) await client.perform(waiveModelFindingOperation, { ...of, finding, reason });
  for (const finding of reopen) await client.perform(reopenModelFindingOperation, { ...of, finding, reason });
  if (again) await client.perform(startModelScanOperation, of);
  let result = await client.perform(readModelScanOperation, of);
  while (result.state === 'pending') {
    await sleep(POLL_MS, undefined, { signal: context.signal });
    result = await client.perform(readModelScanOperation, of);
  }
  if (!(await printedForPrograms(context, result))) show(context, result);
  return result.result === 'blocked' ? exitCodes.failed.code : exitCodes.ok.code;
};

function show(context: Context, reported: ModelScan): void {
  const { terminal } = context;
  const called = `${reported.model}/${reported.version}`;
  if (reported.findings.length > 0) {
    const rows = reported.findings.map((one) => [
      { text: one.severity },
      { text: one.state },
      { text: one.file },
      { text: one.detail },
      { text: one.decidedBy === undefined ? '' : `${one.decidedBy}: ${one.reason ?? ''}` },
      { text: one.id },
    ]);
    const heads = ['severity', 'state', 'file', 'finding', 'by', 'id'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  const next =
    'Register a version without the blocked content, or ask an approver to waive the findings: --waive ID --reason TEXT.';
  const text = {
    pending: 'has not been scanned yet.',
    clean: `is clean. Scanned ${countNoun(reported.files, 'file')}.`,
    review: 'runs code when it is loaded. It deploys, and runs isolated in a process of its own.',
    blocked: `does not deploy: ${reported.error === undefined ? 'its findings of severity `block` are open' : `its scan failed: ${reported.error}`}. ${next}`,
  }[reported.result];
  remark(context, `${called} ${text}`);
}
