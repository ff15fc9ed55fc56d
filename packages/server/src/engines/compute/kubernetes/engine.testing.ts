/** Opens the engine on a test cluster: with an object store in a folder, and an HTTP server for the agents. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api/errors';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { systemClock } from '#lib/clock.ts';
import { decryptGcm, encryptGcm, packGcm, unpackGcm } from '#lib/crypto/aes-gcm.ts';
import type { Log } from '#lib/log.ts';
import { readKubeconfig } from '#lib/kubernetes/kubeconfig.ts';
import { AGENT_PATH } from './agent-api.ts';
import type { AgentCalls } from '../model/target.ts';
import type { AgentService } from './agent-service.ts';
import { openKubernetesCompute, type KubernetesCompute } from './kubernetes-compute.ts';
import type { TargetOptions } from './plan/target-options.ts';
import { openTaskObjects } from './task-objects.ts';
import type { OrderSeal } from './task-store.ts';

export interface TestTarget {
  readonly kubeconfig: string;
  /** Address of this machine that pods reach. */
  readonly address: string;
  readonly target: Omit<TargetOptions, 'installation' | 'agent'> & { readonly agentImage: string };
  /** Default `default`. */
  readonly project?: string;
  /** Default 200. */
  readonly tasks?: number;
  readonly log: Log;
}

export interface OpenedEngine {
  readonly compute: KubernetesCompute;
  /** Another engine on the same cluster and store, as after a restart of Dais. The first one must be closed. */
  reopen(): Promise<KubernetesCompute>;
  end(): Promise<void>;
}

const INSTALLATION = 'test';

export async function openTestEngine({
  kubeconfig,
  address,
  target,
  project = 'default',
  tasks,
  log,
}: TestTarget): Promise<OpenedEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-kubernetes-engine-'));
  const cluster = await readKubeconfig(kubeconfig, { fail: (detail) => new Error(detail) });
  const [sessionKey, sealKey] = [randomBytes(32), randomBytes(32)];
  let agents: AgentService | undefined;
  const server = createServer(
    (request, response) =>
      void answerAgent(agents, request, response, { path: (request.url ?? '').slice(AGENT_PATH.length), log }),
  );
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { agentImage, ...options } = target;
  const open = async () => {
    const compute = await openKubernetesCompute({
      cluster,
      target: {
        ...options,
        installation: INSTALLATION,
        agent: { image: agentImage, url: `http://${address}:${port}${AGENT_PATH}`, transfer: 'proxied' },
      },
      setup: {
        project: { project, quota: {}, ...(tasks !== undefined && { tasks }) },
        network: { dais: [{ cidr: `${address}/32`, ports: [port] }], objectStore: [] },
      },
      objects: openTaskObjects(openFsNamedObjects(folder)),
      seal: sealWith(sealKey),
      sessionKey,
      clock: systemClock,
      random: Math.random,
      log,
    });
    agents = compute.agents;
    return compute;
  };
  let compute = await open();
  return {
    get compute() {
      return compute;
    },
    reopen: async () => {
      compute = await open();
      return compute;
    },
    end: async () => {
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await closeServer(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function answerAgent(
  agents: AgentCalls | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  { path, log }: { readonly path: string; readonly log: Log },
): Promise<void> {
  try {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const reply = await agents?.handle({ method: request.method ?? '', path, token, body: request });
    if (reply === undefined) {
      response.writeHead(503).end();
    } else if (reply.bytes !== undefined) {
      response.writeHead(reply.status);
      await pipeline(reply.bytes, response);
    } else {
      response.writeHead(reply.status, { 'content-type': 'application/json' });
      response.end(reply.json === undefined ? undefined : JSON.stringify(reply.json));
    }
  } catch (error) {
    log.error('a call of an agent failed', { error, path: request.url });
    if (!response.headersSent) response.writeHead(500);
    response.end();
  }
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

export function sealWith(key: Buffer): OrderSeal {
  return {
    seal: async (order, name) => await Promise.resolve(packGcm(encryptGcm(key, order, name))),
    open: async (sealed, name) => {
      const box = unpackGcm(sealed);
      const order = box && decryptGcm(key, box, name);
      if (order === undefined) throw new Error(`${name} was changed.`);
      return await Promise.resolve(order);
    },
  };
}

/** Repeats a call while the cluster is unavailable or overloaded, as the worker of Dais does. The test limits the time. */
export async function whenAvailable<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'target_unavailable') throw error;
      await new Promise((resolve) => void setTimeout(resolve, 500));
    }
  }
}
