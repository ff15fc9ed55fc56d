/** `dais monitor ack` and `run`. */
import { DaisError } from '@dais/api';
import { acknowledgeMonitorAlertOperation, listMonitorAlertsOperation, monitorKind } from '@dais/api/monitoring';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

/** Maximum number of open alerts that are named. */
const NAMED = 10;

export const acknowledge: Run<{ readonly note: string }> = async (context, [monitor = '', id], { note }) => {
  const client = await context.connect();
  const alert = id ?? (await onlyOpen());
  const found = await client.perform(acknowledgeMonitorAlertOperation, { monitor, alert, note });
  if (!(await printedForPrograms(context, found))) context.terminal.out(`Alert acknowledged: ${found.title}\n`);
  return exitCodes.ok.code;

  async function onlyOpen(): Promise<string> {
    const { items } = await client.perform(listMonitorAlertsOperation, { monitor, state: 'open', limit: NAMED });
    const [first, ...more] = items;
    if (first === undefined) throw new DaisError('invalid_state', `${monitor} has no open alert.`);
    if (more.length === 0) return first.id;
    const named = items.map((one) => `${one.id} (${one.check})`).join(', ');
    throw new DaisError('invalid_request', `Several alerts are open. Give the ID of one: ${named}.`);
  }
};

export const run: Run = async (context, [monitor = '']) => {
  const client = await context.connect();
  const found = await client.action(monitorKind.kind, monitor, 'run', {});
  if (!(await printedForPrograms(context, found))) context.terminal.out(`Evaluation of ${monitor} started.\n`);
  return exitCodes.ok.code;
};
