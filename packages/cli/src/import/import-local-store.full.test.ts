/**
 * A training logs into a local store while Dais is unavailable, and `dais import mlflow` merges it: with the client of
 * MLflow, a SQLite database and a file store.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { mlflowPython, type PythonRunner } from '../../../../conformance/mlflow/mlflow-server.ts';

/** In ms. The first run also builds the environment. */
const PATIENCE = 600_000;

let dais: CliFixture;
let python: PythonRunner;
beforeAll(async () => {
  dais = await CliFixture.shared();
  python = await mlflowPython(dais.folder);
}, PATIENCE);
afterAll(async () => await dais?.stop());

async function train(uri: string, ...words: string[]): Promise<string> {
  const variables = { MLFLOW_TRACKING_URI: uri, MLFLOW_ALLOW_FILE_STORE: 'true' };
  // With a server, MLflow prints links after it.
  return (await python('local_store.py', words, variables)).trim().split('\n')[0] ?? '';
}

async function imported(from: string, ...words: string[]) {
  const { out, err } = await dais.run(['import', 'mlflow', '-q', '-o', 'json', '--from', from, ...words]);
  if (out === '') throw new Error(err);
  return JSON.parse(out) as object;
}

async function read<Output>(path: string): Promise<Output> {
  const answer = await fetch(`${dais.server.url}/api/v1/tracking/${path}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Output;
}

async function stepsOf(run: string): Promise<number[]> {
  const { items } = await read<{ items: { step: number }[] }>(`runs/${run}/metrics/loss`);
  return items.map(({ step }) => step).toSorted((a, b) => a - b);
}

const steps = (to: number) => Array.from({ length: to }, (_, step) => step);

/** A server in front of Dais that breaks all connections after some requests. */
async function breakingProxy(requests: number) {
  const target = new URL(dais.server.url);
  let left = requests;
  const proxy = createServer((incoming, outgoing) => {
    if (left-- <= 0) {
      incoming.socket.destroy();
      return;
    }
    const headers = { ...incoming.headers, host: target.host };
    const options = { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers };
    const forwarded = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, stop };
}

test(
  'the function of the guide selects the local store only while Dais is unavailable',
  { timeout: PATIENCE },
  async () => {
    const guide = await readFile(new URL('../../../../docs/guide/unbroken-training.md', import.meta.url), 'utf8');
    const code = [...guide.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
    const example = code.find((text) => text.includes('def select_store')) ?? '';
    const file = join(await mkdtemp(join(dais.folder, 'guide-')), 'example.py');
    await writeFile(file, `${example}print(mlflow.get_tracking_uri())\n`);
    const uriWith = async (url: string) =>
      (await python(file, [], { MLFLOW_TRACKING_URI: url })).trim().split('\n').at(-1);
    // A port that nothing listens on.
    expect(await uriWith('http://127.0.0.1:9')).toMatch(/^sqlite:\/\/\/.*fallback\.db$/);
    expect(await uriWith(dais.server.url)).toBe(dais.server.url);
  },
);

describe.each([
  ['a SQLite database', (folder: string) => `sqlite:///${join(folder, 'mlflow.db')}`],
  ['a file store', (folder: string) => join(folder, 'mlruns')],
])('%s', (_what, storeIn) => {
  test(
    'is merged once: again, after a crash, and after Dais received a part directly',
    { timeout: PATIENCE },
    async () => {
      const store = storeIn(await mkdtemp(join(dais.folder, 'local-')));
      const run = await train(store, '0', '50');
      // The import loses the server, as when Dais is killed, and continues.
      const proxy = await breakingProxy(9);
      const cut = await dais.run(['import', 'mlflow', '-q', '--from', store], {
        environment: { url: proxy.url, retrySeconds: '1' },
      });
      proxy.stop();
      expect(cut.code).not.toBe(0);
      expect(await imported(store)).toMatchObject({ found: { runs: 1 }, written: { runs: 1 }, problems: [] });
      expect(await imported(store)).toMatchObject({ written: { runs: 0 }, problems: [] });
      expect(await stepsOf(run)).toEqual(steps(50));
      expect(await read(`runs/${run}`)).toMatchObject({
        name: 'fallback',
        status: 'FINISHED',
        params: { lr: '0.1', 'net/depth': '3' },
      });
      // Dais is available again: the training continues the same run there, and later locally again.
      expect(await train(dais.server.url, '50', '60', run)).toBe(run);
      expect(await train(store, '60', '80', run)).toBe(run);
      expect(await imported(store)).toMatchObject({ written: { runs: 1 }, problems: [] });
      expect(await imported(store, '--all')).toMatchObject({ written: { runs: 1 }, problems: [] });
      expect(await stepsOf(run)).toEqual(steps(80));
    },
  );
});

// import-file-store.int.test.ts follows a file store.
test('a SQLite database is followed while the training writes into it', { timeout: PATIENCE }, async () => {
  const store = `sqlite:///${join(await mkdtemp(join(dais.folder, 'followed-')), 'mlflow.db')}`;
  const run = await train(store, '0', '1');
  const stop = new AbortController();
  const following = dais.run(['import', 'mlflow', '--from', store, '--follow', '--every', '1s'], {
    signal: stop.signal,
  });
  await train(store, '1', '500', run);
  await expect.poll(async () => (await stepsOf(run).catch(() => [])).length).toBe(500);
  stop.abort();
  const { err } = await following;
  expect(err).not.toContain('error');
  expect(await imported(store)).toMatchObject({ problems: [] });
  expect(await stepsOf(run)).toEqual(steps(500));
});
