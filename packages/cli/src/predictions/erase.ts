/** `dais predictions erase`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { countNoun, DaisError } from '@dais/api';
import { erasePredictionsOperation, readErasureOperation } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

const POLL_MS = 500;

interface EraseOptions {
  readonly key: string;
  readonly reason?: string;
  readonly wait: boolean;
}

export const erase: Run<EraseOptions> = async (context, [endpoint = ''], { key, reason = '', wait }) => {
  const [, column, value] = /^([^=]+)=(.+)$/s.exec(key) ?? [];
  if (column === undefined || value === undefined) {
    throw new DaisError('invalid_request', `--key ${key} is not COLUMN=VALUE, for example in_customer=4711.`);
  }
  const client = await context.connect();
  let result = await client.perform(erasePredictionsOperation, { endpoint, column, value, reason });
  while (result.state === 'pending') {
    if (!wait) break;
    await sleep(POLL_MS, undefined, { signal: context.signal });
    result = await client.perform(readErasureOperation, { endpoint, id: result.id });
  }
  if (!(await printedForPrograms(context, result))) {
    const text = {
      pending: `Erasure ${result.id} continues in the background. ${result.error ?? ''}`.trimEnd(),
      succeeded: `Erased the values of ${countNoun(result.rows, 'row')} in ${countNoun(result.files, 'file')}.`,
      failed: `The erasure failed: ${result.error ?? 'no error message'}`,
    }[result.state];
    context.terminal.out(`${text}\n`);
    const { missingNodes = [] } = result;
    if (missingNodes.length > 0) {
      const hosts = missingNodes.join(', ');
      context.terminal.out(
        `Predictions that only the disks of nodes that do not run have are erased when these nodes run again: ${hosts}.\n`,
      );
    }
  }
  return result.state === 'failed' ? exitCodes.failed.code : exitCodes.ok.code;
};
