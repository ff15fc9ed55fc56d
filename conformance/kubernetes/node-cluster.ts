/** A real cluster with one node: the control plane, containerd, the kubelet and kube-proxy, in namespaces of this machine. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withProcessLock } from '../../packages/server/src/lib/system/process-lock.mjs';
import { ensureProgram } from '../../tools/debian-packages.mjs';
import { cacheFolder } from '../../tools/environment.mjs';
import { Component, untilReady } from './component.ts';
import { startContainerRuntime, type ContainerRuntime } from './container-runtime.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { kubeletConfiguration, proxyConfiguration } from './node-configuration.ts';
import { writeNodeImages } from './node-images.ts';
import { NODE_ADDRESS, NodeNamespaces } from './node-namespaces.ts';
import { DEFAULT_VERSION, kubernetesPrograms, type KubernetesVersion } from './programs.ts';

const NODE_NAME = 'node1';

export interface NodeCluster {
  readonly controlPlane: ControlPlane;
  readonly node: NodeNamespaces;
  readonly runtime: ContainerRuntime;
  /** Of the node, by name: `containerd`, `kubelet`, `kube-proxy`. */
  component(name: string): Component;
  /** Ends all processes, and removes mounts, network devices, control groups and files. */
  stop(): Promise<void>;
}

/** Waits while another process of this machine runs a node. @throws Error with what the machine lacks */
export async function startNodeCluster(version: KubernetesVersion = DEFAULT_VERSION): Promise<NodeCluster> {
  const programs = await kubernetesPrograms(version);
  const why = 'The node of a test cluster forwards connections to Services.';
  for (const [program, name] of [
    ['iptables', 'iptables'],
    ['conntrack', 'conntrack'],
    ['ip', 'iproute2'],
  ] as const) {
    await ensureProgram(why, [program], name);
  }
  const release = await holdLock(join(cacheFolder(), 'locks', 'kubernetes-node'));
  const folder = mkdtempSync(join(tmpdir(), 'dais-kubernetes-'));
  const ends: (() => Promise<void> | void)[] = [release, () => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
  };
  try {
    const node = await NodeNamespaces.open();
    ends.push(async () => await node.close());
    const controlPlane = await startControlPlane({
      version,
      controllers: true,
      folder: join(folder, 'control-plane'),
      node: { command: node.command, address: NODE_ADDRESS },
    });
    ends.push(async () => await controlPlane.stop());
    for (const name of ['node', 'images', 'containerd']) mkdirSync(join(folder, name));
    const runtime = await startContainerRuntime(node, join(folder, 'containerd'));
    for (const archive of await writeNodeImages(join(folder, 'images'))) await runtime.importImage(archive);
    const components = new Map([['containerd', runtime.component]]);
    const parts = { programs, folder: join(folder, 'node'), node, controlPlane, runtime };
    for (const component of [await startKubelet(parts), await startProxy(parts)]) {
      components.set(component.name, component);
    }
    return {
      controlPlane,
      node,
      runtime,
      component: (name) => {
        const found = components.get(name);
        if (found === undefined) throw new Error(`The node has no component ${name}.`);
        return found;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface NodeParts {
  readonly programs: string;
  readonly folder: string;
  readonly node: NodeNamespaces;
  readonly controlPlane: ControlPlane;
  readonly runtime: ContainerRuntime;
}

/** Resolves when the node is ready for pods. */
async function startKubelet({ programs, folder, node, controlPlane, runtime }: NodeParts): Promise<Component> {
  const { certificates } = controlPlane;
  await certificates.kubeconfig('kubelet', controlPlane.url, [NODE_NAME, NODE_ADDRESS, '127.0.0.1']);
  const file = join(folder, 'kubelet.json');
  writeFileSync(file, kubeletConfiguration({ certificates, node, endpoint: runtime.endpoint }));
  const flags = [
    `--config=${file}`,
    `--kubeconfig=${certificates.path('kubelet.kubeconfig')}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${NODE_ADDRESS}`,
    `--root-dir=${join(folder, 'kubelet')}`,
    `--cert-dir=${join(folder, 'kubelet', 'pki')}`,
  ];
  const kubelet = new Component('kubelet', [join(programs, 'kubelet'), ...flags], { command: node.command, folder });
  await untilReady(kubelet, async () => await controlPlane.isNodeReady(NODE_NAME));
  return kubelet;
}

async function startProxy({ programs, folder, node, controlPlane }: NodeParts): Promise<Component> {
  const { certificates } = controlPlane;
  await certificates.kubeconfig('proxy', controlPlane.url);
  const file = join(folder, 'kube-proxy.json');
  writeFileSync(file, proxyConfiguration(certificates.path('proxy.kubeconfig'), NODE_NAME));
  const proxy = new Component('kube-proxy', [join(programs, 'kube-proxy'), `--config=${file}`], {
    command: node.command,
    folder,
  });
  // It writes the rules of the Service of the API server first.
  await untilReady(proxy, async () =>
    (await node.run('iptables-save', '-t', 'nat')).includes('default/kubernetes:https'),
  );
  return proxy;
}

/** Takes a lock, and returns what releases it. */
async function holdLock(path: string): Promise<() => Promise<void>> {
  return await new Promise((resolve, reject) => {
    const held = withProcessLock(
      path,
      async () =>
        await new Promise<void>((release) => {
          resolve(async () => {
            release();
            await held;
          });
        }),
    );
    held.catch(reject);
  });
}
