/**
 * The MLflow client with a Dais that is killed, that stays away or that is slow: the training continues, and what Dais
 * acknowledged is stored once. docs/guide/unbroken-training.md gives these settings.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { start } from '#lib/process.ts';
import { freePort, killTree, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { environmentOf, NEWEST } from '#protocols/mlflow/testing/client-scenarios.ts';
import { pythonEnvironment, pythonWheel } from '../../../../../../tools/python-env.mjs';

/** In ms. */
const PATIENCE = 600_000;
const conformance = fileURLToPath(new URL('../../../../../../conformance/mlflow/', import.meta.url));
const STEPS = 60;

let folder: string;
let python: string;
let packages: string;
let port: number;
let dais: DaisProcess | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-outage-'));
  python = join(
    await pythonEnvironment(environmentOf(NEWEST).name, join(conformance, NEWEST.requirements)),
    'bin/python',
  );
  packages = await pythonWheel(NEWEST.overlay ?? '');
  port = await freePort();
  await launch();
}, PATIENCE);
afterAll(async () => {
  await kill();
  await rm(folder, { recursive: true, force: true });
});

async function launch(): Promise<void> {
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port });
  expect(await dais.ready).toMatch(new RegExp(`:${port}/?$`));
}

async function kill(): Promise<void> {
  const running = dais;
  dais = undefined;
  if (running !== undefined) await killTree(running);
}

interface Training {
  /** Resolves when the training has a run. */
  readonly run: Promise<string>;
  readonly end: Promise<{ longest: number; failure: string | null; end: number }>;
}

function train(url: string, secondsPerStep: number, variables: Readonly<Record<string, string>>): Training {
  const words = ['-W', 'ignore', join(conformance, 'unbroken_training.py'), String(STEPS), String(secondsPerStep)];
  const child = start(python, words, {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: folder,
      LANG: 'C.UTF-8',
      PYTHONPATH: packages,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_TRACKING_URI: url,
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  const started = Promise.withResolvers<string>();
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
    const id = /^started (\w+)$/m.exec(out)?.[1];
    if (id !== undefined) started.resolve(id);
  });
  child.stderr!.on('data', (chunk: Buffer) => (err = (err + chunk.toString('utf8')).slice(-5000)));
  const end = once(child, 'close').then(([code]) => {
    if (code !== 0) {
      const failure = new Error(`the training ended with ${String(code)}:\n${err}`);
      started.reject(failure);
      throw failure;
    }
    return JSON.parse(out.slice(out.indexOf('{'))) as Awaited<Training['end']>;
  });
  end.catch(() => {});
  return { run: started.promise, end };
}

async function read<Output>(path: string): Promise<Output> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tracking/${path}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Output;
}

async function stepsOf(run: string): Promise<number[]> {
  const { items } = await read<{ items: { step: number }[] }>(`runs/${run}/metrics/loss`);
  return items.map(({ step }) => step).toSorted((a, b) => a - b);
}

const EVERY_STEP = Array.from({ length: STEPS }, (_, step) => step);
/** Waits of 1 s, 2 s, 4 s and so on between 10 retries. */
const PATIENT = { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '10', MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1' };
const IMPATIENT = {
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
  MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0',
  MLFLOW_HTTP_REQUEST_TIMEOUT: '2',
};
/** In seconds. A call that waits for the server takes at least as long as the outage or the delay. */
const LONGEST_CALL = 1.5;

test(
  'Dais is killed in the middle and starts again: no call waits, and no data is lost',
  { timeout: PATIENCE },
  async () => {
    const training = train(`http://127.0.0.1:${port}`, 0.2, PATIENT);
    const run = await training.run;
    await delay(3000);
    await kill();
    await delay(5000);
    await launch();
    const { longest, failure } = await training.end;
    expect(failure).toBeNull();
    expect(longest).toBeLessThan(LONGEST_CALL);
    expect(await stepsOf(run)).toEqual(EVERY_STEP);
    expect(await read(`runs/${run}`)).toMatchObject({
      status: 'FINISHED',
      params: { p0: '0', [`p${STEPS - 1}`]: String(STEPS - 1) },
    });
  },
);

test(
  'Dais stays down: the training ends with its result, and acknowledged data is there later',
  { timeout: PATIENCE },
  async () => {
    const training = train(`http://127.0.0.1:${port}`, 0.1, IMPATIENT);
    const run = await training.run;
    await expect.poll(async () => (await stepsOf(run).catch(() => [])).length).toBeGreaterThan(3);
    const acknowledged = await stepsOf(run);
    await kill();
    const { longest, failure } = await training.end;
    expect(longest).toBeLessThan(LONGEST_CALL);
    expect(failure).toContain('MlflowException');
    await launch();
    const stored = await stepsOf(run);
    expect(stored).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored.length).toBeLessThan(STEPS);
  },
);

/** Forwards requests late, or answers them too late for the client after Dais has done them. */
async function slowProxy(
  delayMs: (count: number) => number,
): Promise<{ readonly url: string; readonly server: Server }> {
  let count = 0;
  const server = createServer((incoming, outgoing) => {
    const wait = incoming.url?.includes('/log-batch') === true ? delayMs(count++) : 0;
    const headers = { ...incoming.headers, host: `127.0.0.1:${port}` };
    const options = { host: '127.0.0.1', port, path: incoming.url, method: incoming.method, headers };
    const forwarded = request(options, (answer) => {
      setTimeout(() => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      }, wait);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test(
  'Dais is slow: no call waits, and batches that the client sends again are stored once',
  { timeout: PATIENCE },
  async () => {
    // Every third batch is answered after the timeout of the client.
    const { url } = await slowProxy((count) => (count % 3 === 0 ? 4000 : 1000));
    const training = train(url, 0.05, {
      ...PATIENT,
      MLFLOW_HTTP_REQUEST_TIMEOUT: '3',
      MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS: '1',
    });
    const { longest, failure } = await training.end;
    expect(failure).toBeNull();
    expect(longest).toBeLessThan(LONGEST_CALL);
    expect(await stepsOf(await training.run)).toEqual(EVERY_STEP);
  },
);
