import type { ServingClient } from '../packages/server/src/testing/serving-client.ts';

/** Waits until a monitor has judged so many windows. */
export async function judged(client: ServingClient, monitor: string, count: number): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- it is asked until it is so
    const { body } = await client.call('GET', `/api/v1/monitoring/monitors/${monitor}`);
    if (Number(body['windows']) >= count) return;
    // oxlint-disable-next-line no-await-in-loop -- as above
    await new Promise((resolve) => void setTimeout(resolve, 300));
  }
}
