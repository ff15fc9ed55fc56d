/** Opens a target of a test: with an object store in a folder, and an HTTP server for the agents. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { probeProject, type ComputeTarget } from '../model/target.ts';
import { clusterConnection } from './cluster-connection.ts';
import { answerAgent, closeServer, sealWith } from './engine.testing.ts';
import { openKubernetesTarget, type KubernetesTargetOptions } from './kubernetes-target.ts';
import type { TargetOptions } from './plan/target-options.ts';
import { openTaskObjects } from './task-objects.ts';

export interface TestTargetOptions extends Partial<Pick<KubernetesTargetOptions, 'connect' | 'clock'>> {
  readonly kubeconfig: () => string;
  readonly installation?: string;
  readonly programs?: readonly string[];
  /** Address of this machine that pods reach; default one that nobody has. */
  readonly address?: string;
  /** Default: that of the server of the test. */
  readonly agentUrl?: string;
  readonly pods?: Partial<TargetOptions> & { readonly agentImage?: string };
}

export interface TestTarget {
  readonly target: ComputeTarget;
  end(): Promise<void>;
}

const TARGET_UID = '00000000-0000-4000-8000-000000000000';
const NO_ADDRESS = '192.0.2.7';

export async function openTestTarget(options: TestTargetOptions): Promise<TestTarget> {
  const { installation = 'one', programs = [], address, clock = systemClock, pods = {} } = options;
  const { agentImage = 'localhost/agent:1', ...fields } = pods;
  const folder = await mkdtemp(join(tmpdir(), 'dais-target-'));
  const server = createServer((request, response) => {
    const [, uid = '', project = '', path = ''] =
      /^\/internal\/tasks\/([^/]+)\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    void (async () => {
      const known = uid === TARGET_UID && project === TARGET_UID ? probeProject(uid) : undefined;
      const agents = known && (await target.project(known)).agents;
      await answerAgent(agents, request, response, { path, log: silentLog });
    })();
  });
  server.listen(0, address ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { agentUrl = `http://${address ?? NO_ADDRESS}:${port}` } = options;
  const target = openKubernetesTarget({
    uid: TARGET_UID,
    connect:
      options.connect ??
      (async () =>
        await clusterConnection({
          target: 'lab',
          kubeconfig: async () => await Promise.resolve(options.kubeconfig()),
          context: undefined,
          programs,
          service: { host: undefined, port: undefined },
        })),
    namespacePrefix: 'dais-',
    pods: {
      installation,
      agent: { image: agentImage, url: agentUrl, transfer: 'proxied' },
      baseImage: 'localhost/base:1',
      userNamespaces: false,
      imageVolumes: false,
      ...fields,
    },
    maxTasks: 7,
    network: async () =>
      await Promise.resolve({ dais: [{ cidr: `${address ?? NO_ADDRESS}/32`, ports: [port] }], objectStore: [] }),
    objects: openTaskObjects(openFsNamedObjects(folder)),
    seal: sealWith(randomBytes(32)),
    sessionKey: randomBytes(32),
    environment: {},
    clock,
    random: Math.random,
    log: silentLog,
  });
  return {
    target,
    end: async () => {
      await target.close();
      await closeServer(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
