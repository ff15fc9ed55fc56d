/** Starts `dais up` of a checkout with its own build and its own Node, and prepares what the calls need. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../packages/server/src/testing/dais-process.ts';
import { servingClient, type SeenStatus } from '../../packages/server/src/testing/serving-client.ts';
import { environment } from '../../tools/environment.mjs';
import { killAtEnd } from './cleanup.mjs';
import { cpuOf } from './processes.ts';

/** A checkout of Dais that is installed and built. */
export interface Build {
  readonly name: 'before' | 'after';
  readonly checkout: string;
  /** Path of the Node that runs it. */
  readonly node: string;
}

export interface BuildServer {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly ownerToken: string;
  /** Milliseconds from the start of the command until `/readyz` returns 200. */
  readonly startMs: number;
  /** Milliseconds of CPU of all processes until then. */
  readonly startCpuMs: number;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 120_000;
const POLL_MS = 5;

/** `data` may exist: then the server continues with it. @throws Error when the server ends before it is ready. */
export async function startBuild(
  { checkout, node }: Build,
  data: string,
  mode: 'solo' | 'accounts' = 'solo',
): Promise<BuildServer> {
  const command = join(checkout, 'packages', 'cli', 'dist', 'main.js');
  if (!existsSync(command)) {
    throw new Error(`${checkout} is not built: ${command} is missing. Run \`npm ci && npm run build\` there.`);
  }
  const port = await freePort();
  const from = performance.now();
  const child = spawn(node, [command, 'up', '--data', data, '--port', String(port)], {
    env: {
      ...environment,
      DAIS_KEYS_FOLDER: `${data}-keys`,
      DAIS_LOG_FORMAT: 'json',
      DAIS_AUTHENTICATION_MODE: mode,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const release = killAtEnd(child.pid ?? 0);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = child.pid ?? 0;
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || performance.now() - from > READY_WITHIN_MS) {
      child.kill('SIGKILL');
      throw new Error(`dais up of ${checkout} is not ready:\n${output.slice(-4000)}`);
    }
    await delay(POLL_MS);
  }
  return {
    pid,
    port,
    url,
    startMs: performance.now() - from,
    startCpuMs: cpuOf([pid]),
    ownerToken: (await readFile(join(data, 'owner-token'), 'utf8')).trim(),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      release();
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status === 200;
}

/** A server and the token of its owner. */
type OwnedServer = Pick<BuildServer, 'url' | 'ownerToken'>;

/** Sends JSON as the owner. @throws Error when the server rejects it. */
async function post(
  { url, ownerToken }: OwnedServer,
  path: string,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ownerToken}` };
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

export interface ManifestInput {
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
}

export async function apply(server: OwnedServer, manifests: readonly ManifestInput[]): Promise<void> {
  const documents = manifests.map(({ kind, name, spec }) =>
    JSON.stringify({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec }),
  );
  await post(server, '/api/v1/apply', { sources: [{ file: 'benchmark', text: documents.join('\n---\n') }] });
}

/** Returns a token of a service account that may read the project. */
export async function viewerToken(server: OwnedServer): Promise<string> {
  await apply(server, [
    { kind: 'ServiceAccount', name: 'reader', spec: {} },
    { kind: 'RoleBinding', name: 'reader', spec: { role: 'viewer', serviceAccounts: ['reader'] } },
  ]);
  const { token } = await post(server, '/api/v1/serviceaccounts/reader/tokens', { title: 'benchmark' });
  return String(token);
}

/** Deploys a model to one endpoint per capture policy. Returns the port of the gateway. */
export async function deploy(server: BuildServer, policies: readonly string[]): Promise<number> {
  const client = servingClient(server.url, { authorization: `Bearer ${server.ownerToken}` });
  const version = await client.register('m', 2, { example: { inputs: [[1]] } });
  await apply(
    server,
    policies.map((policy) => ({
      kind: 'Endpoint',
      name: `capture-${policy}`,
      spec: { model: `models:/m/${version}`, capture: { policy } },
    })),
  );
  let port: number | undefined;
  for (const policy of policies) {
    await client.settled(`capture-${policy}`, isServing);
    port = (await client.call('GET', `/api/v1/serving/endpoints/capture-${policy}/contract`)).body.port;
  }
  if (port === undefined) throw new Error('The gateway has no port.');
  return port;
}

function isServing({ conditions, rollout }: SeenStatus): boolean {
  return (
    rollout === undefined && conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  );
}
