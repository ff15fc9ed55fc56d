/** Kills a complete Dais repeatedly during deliveries: every acknowledged event is delivered. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startReceiver, type Receiver } from '#ledgers/webhooks/testing/webhook-receiver.ts';
import { freePort, killTree, startDaisProcess } from '#testing/dais-process.ts';

/** Rounds. Each takes some seconds, mostly for the start. */
const ROUNDS = 2;
/** Calls per round. */
const CALLS = 12;
const PATIENCE = { timeout: 120_000, interval: 50 };

let folder: string | undefined;
let to: Receiver | undefined;
afterEach(async () => {
  await to?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test(
  'after kill -9, every acknowledged end of a run is delivered, and each delivery has one body',
  { timeout: 300_000 },
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'dais-webhooks-'));
    const receiver = await startReceiver();
    to = receiver;
    const port = await freePort();
    const flags = {
      data: join(folder, 'data'),
      'keys.folder': join(folder, 'keys'),
      port,
      'outbound.allowHosts': ['127.0.0.1'],
    };
    const post = async (path: string, body: object) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as { id: string };
    };
    const listReported = () =>
      receiver.received
        .filter(({ status }) => status === 200)
        .map(({ body }) => (JSON.parse(body) as { data: { data: { run: string } } }).data.data.run);
    /** A first event shows that the outbox has its place: from then on nothing is missed. */
    const begin = async () => {
      await post('webhooks', { name: 'crash', url: receiver.url, events: ['run.finished'], secret: 's' });
      const { id } = await post('tracking/runs', { experimentId: '0' });
      await post(`tracking/runs/${id}`, { status: 'FINISHED' });
      await expect.poll(listReported, PATIENCE).toEqual([id]);
    };
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const dais = startDaisProcess(flags);
      await dais.ready;
      if (round === 0) await begin();
      // Meanwhile the receiver fails, so that retries must survive too.
      receiver.answer(round === 1 ? 503 : 200);
      await Promise.all(
        Array.from({ length: CALLS }, async () => {
          const { id } = await post('tracking/runs', { experimentId: '0' });
          await post(`tracking/runs/${id}`, { status: 'FINISHED' });
          acknowledged.push(id);
        }),
      );
      await killTree(dais);
    }
    receiver.answer(200);
    const dais = startDaisProcess(flags);
    await dais.ready;
    const delivered = () => new Set(listReported());
    await expect.poll(() => acknowledged.filter((id) => !delivered().has(id)), PATIENCE).toEqual([]);
    const bodies = new Map<unknown, Set<string>>();
    for (const { headers, body } of receiver.received) {
      const id = headers['webhook-id'];
      bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
    }
    expect([...bodies.values()].filter((texts) => texts.size > 1)).toEqual([]);
    dais.process.kill('SIGTERM');
    await dais.ended;
  },
);
