import type { MonitorReport, MonitorSummary } from '@dais/api/monitoring';
import { expect } from 'vitest';
import type { BatchCall } from './batch-client.ts';
import type { DaisProcess } from './dais-process.ts';

/** A time limit for a busy machine. */
const PATIENCE = { timeout: 240_000, interval: 200 };
const MOST_LINES = 30;

/**
 * Returns the report of a window once there are so many. It requests each evaluation, because a monitor checks only
 * every ten seconds.
 * @throws Error with the state of the monitor and of its predictions after the time limit.
 */
export async function evaluatedWindow(
  { dais, call }: { readonly dais: Pick<DaisProcess, 'output'>; readonly call: BatchCall },
  monitor: string,
  window: number,
): Promise<MonitorReport> {
  const summary = async () => await call<MonitorSummary>('GET', `/monitoring/monitors/${monitor}`);
  try {
    await expect
      .poll(async () => {
        await call('POST', `/monitors/${monitor}/actions/run`, {});
        return (await summary()).windows;
      }, PATIENCE)
      .toBeGreaterThanOrEqual(window);
  } catch (error) {
    const result = await summary();
    const { endpoint } = result;
    const files = endpoint === undefined ? [] : await call('GET', `/predictions/endpoints/${endpoint}/files`);
    const wrong = dais
      .output()
      .split('\n')
      .filter((line) => /"log\.level":"(warn|error)"/.test(line));
    const facts = [JSON.stringify(result), JSON.stringify(files), ...wrong.slice(-MOST_LINES)];
    throw new Error(`window ${window} of ${monitor} was not evaluated:\n${facts.join('\n')}`, { cause: error });
  }
  return await call<MonitorReport>('GET', `/monitoring/monitors/${monitor}/reports/${window}`);
}
