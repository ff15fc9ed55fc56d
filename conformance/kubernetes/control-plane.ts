/**
 * The control plane of a real Kubernetes: etcd and the API server, with the controller manager and the scheduler on request. It listens on loopback,
 * or in the namespaces of a node. It has no authentication webhook, and etcd does not sync to disk.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackedPrograms } from '../../tools/debian-packages.mjs';
import { freePort } from '../peer-process.ts';
import { ClusterCertificates } from './cluster-certificates.ts';
import { Component, untilReady, type Location } from './component.ts';
import { DEFAULT_VERSION, kubernetesPrograms, type KubernetesVersion } from './programs.ts';

export interface ControlPlaneOptions {
  readonly version?: KubernetesVersion;
  /** Adds the controller manager and the scheduler. Default: etcd and the API server only. */
  readonly controllers?: boolean;
  /** Further flags of the API server. */
  readonly apiServerFlags?: readonly string[];
  /** Default: a temporary folder, which `stop` removes. */
  readonly folder?: string;
  /** The namespaces of a node, and its address. Default: loopback of this machine. */
  readonly node?: { readonly command: readonly string[]; readonly address: string };
}

const SERVICES = '10.96.0.0/16';
/** Published in the Service `kubernetes`, which nothing uses without a node. Documentation range of RFC 5737. */
const NO_ADDRESS = '192.0.2.1';
/** The limits of a cluster for users would slow down thousands of jobs. */
const API_LIMITS = ['--kube-api-qps=200', '--kube-api-burst=400'];

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const programs = await kubernetesPrograms(options.version ?? DEFAULT_VERSION);
  const etcd = join(await unpackedPrograms('Kubernetes stores its objects in etcd.', 'etcd', 'etcd-server'), 'etcd');
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'dais-kubernetes-'));
  const controlPlane = new ControlPlane(options, { programs, etcd, folder });
  try {
    await controlPlane.start();
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

interface Paths {
  readonly programs: string;
  readonly etcd: string;
  readonly folder: string;
}

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeers: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #paths: Paths;
  readonly #components = new Map<string, Component>();
  #ports: Ports | undefined;
  #certificates: ClusterCertificates | undefined;
  #kubeconfig = '';

  constructor(options: ControlPlaneOptions, paths: Paths) {
    this.#options = options;
    this.#paths = paths;
  }

  /** The text of a kubeconfig with all permissions. */
  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  /** The path of the same kubeconfig. */
  get kubeconfigFile(): string {
    return this.certificates.path('admin.kubeconfig');
  }

  /** `https://ADDRESS:PORT` of the API server. */
  get url(): string {
    return `https://${this.#address}:${this.#ports?.api}`;
  }

  get certificates(): ClusterCertificates {
    if (this.#certificates === undefined) throw new Error('The control plane has no certificates before its start.');
    return this.#certificates;
  }

  async start(): Promise<void> {
    const { folder } = this.#paths;
    for (const name of ['etcd', 'pki']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
    const ports = await Promise.all(Array.from({ length: 5 }, freePort));
    const [api = 0, etcd = 0, etcdPeers = 0, controllerManager = 0, scheduler = 0] = ports;
    this.#ports = { api, etcd, etcdPeers, controllerManager, scheduler };
    const certificates = await ClusterCertificates.create(join(folder, 'pki'));
    this.#certificates = certificates;
    const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].concat('localhost', '127.0.0.1');
    await certificates.issue('api-server', { user: 'kube-apiserver' }, [...names, '10.96.0.1', this.#address]);
    await certificates.issue('front-proxy', { user: 'front-proxy' });
    await certificates.issue('kubelet-client', { user: 'kube-apiserver-kubelet-client', group: 'system:masters' });
    this.#kubeconfig = await certificates.kubeconfig('admin', this.url);
    this.#run('etcd', [this.#paths.etcd, ...this.#etcdFlags(this.#ports)]);
    await this.startApiServer();
    if (this.#options.controllers === true) await this.startControllers();
  }

  /** Starts it at the same address as before. Resolves when it is ready. */
  async startApiServer(): Promise<void> {
    const server = this.#run('kube-apiserver', [
      join(this.#paths.programs, 'kube-apiserver'),
      ...this.#apiServerFlags(),
    ]);
    await untilReady(server, async () => (await this.read('/readyz')) === 'ok');
  }

  async killApiServer(): Promise<void> {
    await this.#components.get('kube-apiserver')?.kill();
  }

  /** Starts the controller manager and the scheduler. */
  async startControllers(): Promise<void> {
    const { programs } = this.#paths;
    const { controllerManager = 0, scheduler = 0 } = this.#ports ?? {};
    const identity = async (name: 'controller-manager' | 'scheduler', port: number) => {
      await this.certificates.kubeconfig(name, this.url);
      const file = this.certificates.path(`${name}.kubeconfig`);
      const uses = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'];
      const address = ['--bind-address=127.0.0.1', `--secure-port=${port}`, '--leader-elect=false'];
      return [...uses.map((use) => `--${use}=${file}`), ...address];
    };
    this.#run('kube-controller-manager', [
      join(programs, 'kube-controller-manager'),
      ...(await identity('controller-manager', controllerManager)),
      `--service-account-private-key-file=${this.certificates.path('service-accounts.key')}`,
      `--root-ca-file=${this.certificates.path('ca.crt')}`,
      `--cluster-signing-cert-file=${this.certificates.path('ca.crt')}`,
      `--cluster-signing-key-file=${this.certificates.path('ca.key')}`,
      '--use-service-account-credentials=true',
      '--concurrent-job-syncs=20',
      `--service-cluster-ip-range=${SERVICES}`,
      ...API_LIMITS,
    ]);
    this.#run('kube-scheduler', [
      join(programs, 'kube-scheduler'),
      ...(await identity('scheduler', scheduler)),
      ...API_LIMITS,
    ]);
  }

  /** The process of a component, for tests that kill it. */
  component(name: string): Component {
    const found = this.#components.get(name);
    if (found === undefined) throw new Error(`The control plane has no component ${name}.`);
    return found;
  }

  /** Ends all processes and removes the folder. */
  async stop(): Promise<void> {
    // etcd last: the others would wait for it.
    for (const component of [...this.#components.values()].toReversed()) await component.kill();
    rmSync(this.#paths.folder, { recursive: true, force: true });
  }

  get #address(): string {
    return this.#options.node?.address ?? '127.0.0.1';
  }

  #run(name: string, command: readonly [string, ...string[]]): Component {
    const location: Location = { command: this.#options.node?.command ?? [], folder: this.#paths.folder };
    const component = new Component(name, command, location);
    this.#components.set(name, component);
    return component;
  }

  #etcdFlags({ etcd, etcdPeers }: Ports): string[] {
    const clients = `http://127.0.0.1:${etcd}`;
    const peers = `http://127.0.0.1:${etcdPeers}`;
    return [
      '--name=test',
      `--data-dir=${join(this.#paths.folder, 'etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=test=${peers}`,
      '--auto-compaction-retention=1',
      '--quota-backend-bytes=2147483648',
    ];
  }

  #apiServerFlags(): string[] {
    const file = (name: string) => this.certificates.path(name);
    const { node, apiServerFlags = [] } = this.#options;
    return [
      `--etcd-servers=http://127.0.0.1:${this.#ports?.etcd}`,
      `--bind-address=${node === undefined ? '127.0.0.1' : '0.0.0.0'}`,
      `--advertise-address=${node?.address ?? NO_ADDRESS}`,
      `--secure-port=${this.#ports?.api}`,
      `--tls-cert-file=${file('api-server.crt')}`,
      `--tls-private-key-file=${file('api-server.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('service-accounts.crt')}`,
      `--service-account-signing-key-file=${file('service-accounts.key')}`,
      `--service-cluster-ip-range=${SERVICES}`,
      '--authorization-mode=Node,RBAC',
      '--allow-privileged=true',
      // The same authority signs clients and the front proxy: without its name the server refuses to start.
      `--requestheader-client-ca-file=${file('ca.crt')}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${file('front-proxy.crt')}`,
      `--proxy-client-key-file=${file('front-proxy.key')}`,
      '--enable-aggregator-routing=true',
      `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
      `--kubelet-client-key=${file('kubelet-client.key')}`,
      // Otherwise logs and exec resolve the name of the node.
      '--kubelet-preferred-address-types=InternalIP,Hostname',
      '--profiling=false',
      ...apiServerFlags,
    ];
  }

  /** Reads a path with all permissions. @throws Error with the response if its status is not 200 */
  async read(path: string): Promise<string> {
    const tls = { ca: this.#pem('ca.crt'), cert: this.#pem('admin.crt'), key: this.#pem('admin.key') };
    return await new Promise((resolve, reject) => {
      const request = get(`${this.url}${path}`, { ...tls, timeout: 5000, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${path}: ${response.statusCode} ${text}`));
        });
      });
      request.once('timeout', () => request.destroy(new Error(`${path}: no response`)));
      request.once('error', reject);
    });
  }

  /** Whether a node accepts pods. */
  async isNodeReady(name: string): Promise<boolean> {
    const { status } = JSON.parse(await this.read(`/api/v1/nodes/${name}`)) as {
      readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    };
    return status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
  }

  #pem(name: string): string {
    return readFileSync(this.certificates.path(name), 'utf8');
  }
}
