import { vi } from 'vitest';
import type { ServingClient } from '../packages/server/src/testing/serving-client.ts';

/**
 * Waits until a monitor has evaluated a number of windows. It requests each evaluation: a monitor checks only every ten
 * seconds.
 */
export async function judged(client: ServingClient, monitor: string, count: number): Promise<void> {
  const enough = async () => {
    await client.call('POST', `/api/v1/monitors/${monitor}/actions/run`, {});
    const { body } = await client.call('GET', `/api/v1/monitoring/monitors/${monitor}`);
    return Number(body['windows']) >= count;
  };
  await vi.waitUntil(enough, { timeout: 170_000, interval: 300 });
}
