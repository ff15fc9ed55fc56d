/** Tests a compute target, with a line of progress. */
import type { DaisClient } from '@dais/api';
import { probeTargetOperation } from '@dais/api/executions';
import type { Context } from '#context.ts';
import { remark } from '#output/result.ts';

export type Probe = (typeof probeTargetOperation)['output']['_output'];

/** A test with a pod takes at most 2 minutes, and the server some seconds around it. */
const TIMEOUT_MS = 150_000;

/** @throws DaisError `not_found`, and `invalid_request` for the machines of the server */
export async function probeTarget(
  context: Context,
  client: DaisClient,
  { name, pods }: { readonly name: string; readonly pods: boolean },
): Promise<Probe> {
  const { terminal, now, signal } = context;
  const limit = pods ? 'at most 2 min' : 'at most 10 s';
  const started = now();
  const show = () => {
    if (context.globals.quiet) return;
    terminal.progress(`Testing target ${name}: ${Math.round((now() - started) / 1000)} s (${limit})`);
  };
  if (!terminal.showsProgress) remark(context, `Testing target ${name} (${limit}).`);
  show();
  const timer = setInterval(show, 1000);
  try {
    return await client.perform(probeTargetOperation, { name, pods }, { signal, timeoutMs: TIMEOUT_MS });
  } finally {
    clearInterval(timer);
    terminal.progress('');
  }
}
