/** A whole Dais is killed repeatedly while clients write through HTTP and it sends alerts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Condition, Resource } from '@dais/api';
import { expect } from 'vitest';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf } from './dais-process.ts';

export interface KillReport {
  /** Writes that were answered with success. */
  readonly acknowledged: number;
  /** Deliveries that were promised. */
  readonly promised: number;
  /** Deliveries that arrived more than once. */
  readonly repeated: number;
  readonly problems: readonly string[];
  readonly exitCode: number | string;
}

/** A client's knowledge of one channel: the last acknowledged version, and those without a response. */
interface Known {
  acknowledged: number;
  tried: number;
}

const WRITERS = 4;
/** Before a kill, so that a machine with much to do kills no round in which nothing was promised. */
const LEAST_ACKNOWLEDGED = 4;
const PATIENCE = { timeout: 120_000, interval: 50 };

export async function killRounds(folder: string, rounds: number, random: () => number): Promise<KillReport> {
  const receiver = await startReceiver();
  const port = await freePort();
  const known = new Map<string, Known>();
  const promised = new Set<string>();
  const problems: string[] = [];
  let acknowledged = 0;
  const launch = async () => {
    const dais = startDaisProcess({
      data: join(folder, 'data'),
      'keys.folder': join(folder, 'keys'),
      'outbound.allowHosts': '127.0.0.1',
      port,
    });
    const url = await dais.ready;
    // The next port is used only if this one is occupied: by an orphan of the previous round.
    if (!url.endsWith(`:${port}`)) problems.push(`${url} instead of port ${port}`);
    return { dais, url };
  };

  const write = async (url: string, writer: number, signal: AbortSignal) => {
    const name = `c-${writer}-${Math.floor(random() * 4)}`;
    const state = known.get(name) ?? { acknowledged: 0, tried: 0 };
    known.set(name, state);
    if (state.acknowledged > 0 && random() < 0.3) {
      const answer = await send(url, `/api/v1/alertchannels/${name}/actions/test`, { message: name }, signal);
      if (answer.status !== 200) return note(answer.status);
      promised.add((answer.body as { deliveryId: string }).deliveryId);
      return undefined;
    }
    state.tried += 1;
    const version = state.tried;
    const documents = [
      { kind: 'Secret', metadata: { name }, spec: { description: `${version}`, data: { key: `whsec_${version}` } } },
      {
        kind: 'AlertChannel',
        metadata: { name },
        spec: { description: `${version}`, send: { type: 'webhook', url: receiver.url } },
      },
    ].map((one) => JSON.stringify({ apiVersion: 'dais.dev/v1', ...one }));
    const sources = [{ file: 'x', text: documents.join('\n---\n') }];
    const answer = await send(url, '/api/v1/apply', { sources }, signal);
    if (answer.status !== 200) return note(answer.status);
    state.acknowledged = version;
    acknowledged += 1;
    return undefined;
  };
  /**
   * While the process shuts down it may respond that it stops or that its database is unavailable; other responses are
   * errors.
   */
  const note = (status: number) => void (status === 503 || problems.push(`status ${status}`));

  for (let round = 0; round < rounds; round++) {
    const { dais, url } = await launch();
    const over = new AbortController();
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      while (!over.signal.aborted) {
        await write(url, writer, over.signal).catch(() => delay(5));
      }
    });
    const reached = acknowledged;
    await expect.poll(() => acknowledged, PATIENCE).toBeGreaterThanOrEqual(reached + LEAST_ACKNOWLEDGED);
    await delay(random() * 500);
    if (random() < 0.3) {
      // First the control process alone: its supervisor starts another.
      const control = controlOf(dais.process.pid!);
      if (control !== undefined) process.kill(control, 'SIGKILL');
      await delay(random() * 1500);
    }
    await killTree(dais);
    over.abort();
    await Promise.all(writers);
  }

  const { dais, url } = await launch();
  await expectKept(url, known, problems);
  await expect.poll(() => [...promised].filter((id) => !receiver.bodies.has(id)), PATIENCE).toEqual([]);
  await expectSettled(
    url,
    [...known].filter(([, state]) => state.acknowledged > 0).map(([name]) => name),
  );
  for (const [id, bodies] of receiver.bodies) {
    if (new Set(bodies).size > 1) problems.push(`delivery ${id} came with two contents`);
  }
  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGTERM');
  const exitCode = await dais.ended;
  await expect.poll(() => tree.filter(isAlive), PATIENCE).toEqual([]);
  await receiver.stop();
  return {
    acknowledged,
    promised: promised.size,
    repeated: [...receiver.bodies.values()].filter((bodies) => bodies.length > 1).length,
    problems,
    exitCode,
  };
}

/** What was acknowledged is there, or something that the same client tried later. */
async function expectKept(url: string, known: ReadonlyMap<string, Known>, problems: string[]): Promise<void> {
  for (const [name, { acknowledged, tried }] of known) {
    const versions = await Promise.all(
      ['alertchannels', 'secrets'].map(async (plural) => {
        const response = await fetch(`${url}/api/v1/${plural}/${name}`);
        if (response.status === 404) return 0;
        return Number(((await response.json()) as Resource<{ description: string }>).spec.description);
      }),
    );
    const [channel, secret] = versions;
    if (channel !== secret) problems.push(`${name}: an apply was stored partially: ${channel} and ${secret}`);
    if (channel! < acknowledged || channel! > tried) {
      problems.push(`${name}: version ${channel}, acknowledged ${acknowledged}, tried ${tried}`);
    }
  }
}

/** The controller of every channel has reconciled the current generation, and no delivery is pending. */
async function expectSettled(url: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const state = async () => {
      const { status, metadata } = (await (await fetch(`${url}/api/v1/alertchannels/${name}`)).json()) as Resource;
      const ready = (status['conditions'] as Condition[] | undefined)?.find((one) => one.type === 'Ready');
      return [ready?.status, ready?.observedGeneration === metadata.generation, status['pending'] ?? 0];
    };
    await expect.poll(state, PATIENCE).toEqual(['True', true, 0]);
  }
}

async function send(url: string, path: string, body: object, signal: AbortSignal) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  const answer: unknown = await response.json();
  return { status: response.status, body: answer };
}

/** Receives deliveries and stores the bodies by id. */
async function startReceiver() {
  const bodies = new Map<string, string[]>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const id = String(request.headers['webhook-id']);
      bodies.set(id, [...(bodies.get(id) ?? []), body]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    bodies,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
