/** `dais model test`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { testModelOperation, type ModelTestRun } from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 300;

/** Exits with a failure code when a test failed, or the version could not be loaded. */
export const testModel: Run<object> = async (context, [reference = '']) => {
  const request = versionOf(reference);
  const client = await context.connect();
  let result = await client.perform(testModelOperation, request);
  let progress = '';
  while (result.state === 'preparing' || result.state === 'running') {
    const words =
      result.state === 'running'
        ? `${result.results.length + 1} of ${result.tests}: ${result.message}`
        : result.message;
    if (words !== progress) context.terminal.err(`${words}\n`);
    progress = words;
    await sleep(POLL_MS, undefined, { signal: context.signal });
    result = await client.perform(testModelOperation, request);
  }
  if (!(await printedForPrograms(context, result))) show(context, result);
  return result.state === 'failed' || result.failed > 0 ? exitCodes.failed.code : exitCodes.ok.code;
};

function versionOf(reference: string): { readonly name: string; readonly version?: string; readonly alias?: string } {
  const target = reference.replace(/^models:\//, '');
  const [, name, version] = /^([^/:@]+)\/([1-9]\d{0,8})$/.exec(target) ?? [];
  if (name !== undefined && version !== undefined) return { name, version };
  const [, called, alias] = /^([^/:@]+)@([A-Za-z0-9_-]{1,255})$/.exec(target) ?? [];
  if (called !== undefined && alias !== undefined) return { name: called, alias };
  throw new DaisError(
    'invalid_request',
    `${reference} contains no version. Use NAME/VERSION or NAME@ALIAS, for example flights/7.`,
  );
}

function show(context: Context, reported: ModelTestRun): void {
  const { terminal } = context;
  const rows = reported.results.map((one) => [
    { text: one.passed ? 'passed' : 'FAILED' },
    { text: one.name },
    { text: one.case },
    { text: one.expected },
    { text: one.got },
  ]);
  const heads = ['', 'test', 'case', 'expected', 'got'];
  if (rows.length > 0) terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  if (reported.state === 'failed') terminal.err(`${reported.model} could not be tested: ${reported.message}\n`);
  else if (reported.failed > 0)
    remark(context, `${reported.model}: ${reported.failed} of ${reported.tests} tests failed.`);
  else
    remark(context, `${reported.model} passed ${reported.tests === 1 ? 'its test' : `all ${reported.tests} tests`}.`);
}
