/** `dais model test`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { testModelOperation, type ModelTestRun } from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 300;

/** Ends with the code of a failure when one did not pass, or the version could not be loaded. */
export const testModel: Run<object> = async (context, [reference = '']) => {
  const asked = versionOf(reference);
  const client = await context.connect();
  let told = await client.perform(testModelOperation, asked);
  let said = '';
  while (told.state === 'preparing' || told.state === 'running') {
    const words =
      told.state === 'running' ? `${told.results.length + 1} of ${told.tests}: ${told.message}` : told.message;
    if (words !== said) context.terminal.err(`${words}\n`);
    said = words;
    await sleep(POLL_MS, undefined, { signal: context.signal });
    told = await client.perform(testModelOperation, asked);
  }
  if (!(await printedForPrograms(context, told))) show(context, told);
  return told.state === 'failed' || told.failed > 0 ? exitCodes.failed.code : exitCodes.ok.code;
};

function versionOf(reference: string): { readonly name: string; readonly version?: string; readonly alias?: string } {
  const said = reference.replace(/^models:\//, '');
  const [, name, version] = /^([^/:@]+)\/([1-9]\d{0,8})$/.exec(said) ?? [];
  if (name !== undefined && version !== undefined) return { name, version };
  const [, called, alias] = /^([^/:@]+)@([A-Za-z0-9_-]{1,255})$/.exec(said) ?? [];
  if (called !== undefined && alias !== undefined) return { name: called, alias };
  throw new DaisError(
    'invalid_request',
    `${reference} names no version: say NAME/VERSION or NAME@ALIAS, as flights/7.`,
  );
}

function show(context: Context, told: ModelTestRun): void {
  const { terminal } = context;
  const rows = told.results.map((one) => [
    { text: one.passed ? 'passed' : 'FAILED' },
    { text: one.name },
    { text: one.case },
    { text: one.expected },
    { text: one.got },
  ]);
  const heads = ['', 'test', 'case', 'expected', 'got'];
  if (rows.length > 0) terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  if (told.state === 'failed') terminal.err(`${told.model} could not be tested: ${told.message}\n`);
  else if (told.failed > 0) remark(context, `${told.model}: ${told.failed} of ${told.tests} tests failed.`);
  else remark(context, `${told.model} passed ${told.tests === 1 ? 'its test' : `all ${told.tests} tests`}.`);
}
