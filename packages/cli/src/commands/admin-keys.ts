import { countNoun } from '@dais/api';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaisClient, KeyUse } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

/** Each poll costs the server a count of values; progress changes slowly. */
const POLL_MS = 500;

export const listKeys: Run = async (context) => {
  const client = await context.connect();
  const keys = await client.keys();
  if (await printedForPrograms(context, { items: keys })) return exitCodes.ok.code;
  const rows = keys.map((key) => [
    { text: key.keyId },
    { text: key.fingerprint },
    stateCell(key),
    { text: String(key.values) },
  ]);
  const { terminal } = context;
  const options = { style: terminal.style, columns: terminal.columns };
  terminal.out(table(['key', 'fingerprint', 'state', 'values'], rows, options));
  return exitCodes.ok.code;
};

function stateCell(key: KeyUse): Parameters<typeof table>[1][number][number] {
  if (!key.held) return { text: 'missing', paint: (style) => style.fail };
  if (key.current) return { text: 'current', paint: (style) => style.ok };
  return { text: key.values > 0 ? 'still needed' : 'not needed' };
}

interface RotateOptions {
  readonly wait?: true;
  /** Milliseconds. */
  readonly timeout: number;
}

export const rotateKeys: Run<RotateOptions> = async (context, _args, options) => {
  const client = await context.connect();
  const rotation = await client.rotateKeys();
  if (!(await printedForPrograms(context, rotation))) {
    const made = rotation.made
      ? 'is the new current key'
      : 'is the current key; keys are created by an external system';
    context.terminal.out(`${rotation.keyId} (${rotation.fingerprint}) ${made}.\n`);
  }
  if (options.wait === true) return await waitUntilSealed(context, client, options.timeout);
  remark(context, 'Values are being re-encrypted. `dais admin keys` shows the progress.');
  return exitCodes.ok.code;
};

async function waitUntilSealed(context: Context, client: DaisClient, timeoutMs: number): Promise<ExitCode> {
  const end = context.now() + timeoutMs;
  for (;;) {
    const left = (await client.keys()).filter((key) => !key.current).reduce((sum, key) => sum + key.values, 0);
    if (left === 0) {
      remark(context, 'Every value is encrypted with it.');
      return exitCodes.ok.code;
    }
    if (context.now() >= end) {
      context.terminal.err(`${countNoun(left, 'value')} still need an older key; re-encryption continues.\n`);
      return exitCodes.timedOut.code;
    }
    context.terminal.progress(`${countNoun(left, 'value')} still to be re-encrypted`);
    await sleep(POLL_MS, undefined, { signal: context.signal });
  }
}
