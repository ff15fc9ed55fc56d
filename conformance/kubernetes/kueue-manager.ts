/**
 * The manager of a real Kueue for a control plane, as a process of this machine instead of a pod. The API server reaches its webhooks by URL. It manages
 * Jobs with the label of a queue only.
 */
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { ClusterClient } from '../../packages/server/src/lib/kubernetes/cluster-client.ts';
import { readKubeconfig } from '../../packages/server/src/lib/kubernetes/kubeconfig.ts';
import type { KubernetesObject } from '../../packages/server/src/lib/kubernetes/kubernetes-object.ts';
import { freePort } from '../peer-process.ts';
import { Component, untilReady } from './component.ts';
import type { ControlPlane } from './control-plane.ts';
import { kueuePrograms } from './kueue-programs.ts';

export interface KueueOptions {
  /** Further fields of its configuration, such as `fairSharing`. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

const NAMESPACE = 'kueue-system';
const ADDRESS = '127.0.0.1';
const SERVICE = 'kueue-webhook-service';
/** Name by which Kueue verifies its own authority. */
const AUTHORITY = 'kueue-ca';
/** Groups of the objects whose webhooks run: the others are for resource definitions that a test cluster does not have. */
const GROUPS = new Set(['batch', 'kueue.x-k8s.io']);
/** Types with an older version, which the manager converts. */
const CONVERTED = new Set(['clusterqueues', 'cohorts', 'localqueues', 'multikueueclusters', 'workloads']);
const ESTABLISH_MS = 60_000;
const POLL_MS = 100;

export async function startKueue(controlPlane: ControlPlane, options: KueueOptions = {}): Promise<Kueue> {
  const programs = await kueuePrograms();
  const folder = mkdtempSync(join(tmpdir(), 'dais-kueue-'));
  const [webhooks, health] = await Promise.all([freePort(), freePort()]);
  const kueue = new Kueue(controlPlane, options, { programs, folder, ports: { webhooks, health } });
  try {
    await kueue.install();
    await kueue.start();
    return kueue;
  } catch (error) {
    await kueue.stop();
    throw error;
  }
}

interface Place {
  readonly programs: string;
  readonly folder: string;
  readonly ports: { readonly webhooks: number; readonly health: number };
}

interface Certificates {
  readonly authority: string;
  readonly authorityKey: string;
  readonly cert: string;
  readonly key: string;
}

export class Kueue {
  readonly #controlPlane: ControlPlane;
  readonly #options: KueueOptions;
  readonly #place: Place;
  #manager: Component | undefined;

  constructor(controlPlane: ControlPlane, options: KueueOptions, place: Place) {
    this.#controlPlane = controlPlane;
    this.#options = options;
    this.#place = place;
  }

  /** Creates what its manifests create, but for the Deployment and its permissions. */
  async install(): Promise<void> {
    const config = await readKubeconfig(this.#controlPlane.kubeconfig, { fail: (detail) => new Error(detail) });
    const client = new ClusterClient({ config, clock: systemClock, environment: {}, writesPerSecond: 2000 });
    try {
      const certificates = await this.#issue();
      const text = (value: string) => Buffer.from(value).toString('base64');
      await client.create(
        { version: 'v1', resource: 'namespaces' },
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      );
      await client.create(
        { version: 'v1', resource: 'secrets', namespace: NAMESPACE },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'kueue-webhook-server-cert' },
          // A valid pair, which the manager does not replace: its own one would not be for this address.
          data: {
            'ca.crt': text(certificates.authority),
            'ca.key': text(certificates.authorityKey),
            'tls.crt': text(certificates.cert),
            'tls.key': text(certificates.key),
          },
        },
      );
      await this.#createDefinitions(client, text(certificates.authority));
      await this.#createWebhooks(client, text(certificates.authority));
    } finally {
      client.close();
    }
  }

  /** Resolves when its webhooks respond. */
  async start(): Promise<void> {
    const { programs, folder, ports } = this.#place;
    const file = join(folder, 'configuration.yaml');
    const configuration = {
      apiVersion: 'config.kueue.x-k8s.io/v1beta2',
      kind: 'Configuration',
      namespace: NAMESPACE,
      health: { healthProbeBindAddress: `${ADDRESS}:${ports.health}` },
      metrics: { bindAddress: '0' },
      webhook: { host: ADDRESS, port: ports.webhooks, certDir: folder },
      leaderElection: { leaderElect: false },
      integrations: { frameworks: ['batch/job'] },
      // It would write certificates into a folder of the machine.
      featureGates: { VisibilityOnDemand: false },
      ...this.#options.configuration,
    };
    writeFileSync(file, stringify(configuration));
    this.#manager = new Component(
      'kueue',
      [join(programs, 'kueue'), `--config=${file}`, `--kubeconfig=${this.#controlPlane.kubeconfigFile}`],
      { command: [], folder },
    );
    await untilReady(this.#manager, async () => await respondsOk(`http://${ADDRESS}:${ports.health}/readyz`));
  }

  /** Ends the manager; `start` continues with the same address. */
  async kill(): Promise<void> {
    await this.#manager?.kill();
  }

  /** The end of its log, for errors. */
  log(): string {
    return this.#manager?.log() ?? '';
  }

  /** Ends the manager. Its objects end with the control plane. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#place.folder, { recursive: true, force: true });
  }

  /** Writes the certificate of the webhooks, of an authority of its own with an RSA key, the only kind that the manager reads. */
  async #issue(): Promise<Certificates> {
    const { folder } = this.#place;
    const own = await generate([{ name: 'commonName', value: AUTHORITY }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: AUTHORITY }] },
      ],
    });
    const name = `${SERVICE}.${NAMESPACE}.svc`;
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
      ca: { cert: own.cert, key: own.private },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: name },
            { type: 7, ip: ADDRESS },
          ],
        },
      ],
    });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 });
    const authorityKey = createPrivateKey(own.private).export({ type: 'pkcs1', format: 'pem' });
    return { authority: own.cert, authorityKey: authorityKey.toString(), cert, key };
  }

  async #createDefinitions(client: ClusterClient, authority: string): Promise<void> {
    const folder = join(this.#place.programs, 'crd', 'bases');
    const collection = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
    const clientConfig = { url: this.#url('/convert'), caBundle: authority };
    const conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } };
    const names: string[] = [];
    for (const file of readdirSync(folder)) {
      const definition = parse(readFileSync(join(folder, file), 'utf8')) as Definition;
      const { spec, metadata } = definition;
      const isConverted = CONVERTED.has(spec.names.plural);
      await client.create(collection, { ...definition, spec: { ...spec, ...(isConverted && { conversion }) } });
      names.push(metadata.name);
    }
    const until = performance.now() + ESTABLISH_MS;
    for (const name of names) {
      while (!isEstablished(await client.get({ ...collection, name }))) {
        if (performance.now() > until) throw new Error(`The API server does not serve ${name}.`);
        await new Promise((resolve) => void setTimeout(resolve, POLL_MS));
      }
    }
  }

  async #createWebhooks(client: ClusterClient, caBundle: string): Promise<void> {
    const text = readFileSync(join(this.#place.programs, 'webhook', 'manifests.yaml'), 'utf8');
    for (const document of parseAllDocuments(text)) {
      const { webhooks, ...configuration } = document.toJS() as WebhookConfiguration;
      const kind = configuration.kind === 'MutatingWebhookConfiguration' ? 'mutating' : 'validating';
      await client.create(
        { group: 'admissionregistration.k8s.io', version: 'v1', resource: `${kind}webhookconfigurations` },
        {
          ...configuration,
          metadata: { name: `kueue-${kind}-webhook-configuration` },
          webhooks: webhooks
            .filter(({ rules }) => rules.every(({ apiGroups }) => apiGroups.every((group) => GROUPS.has(group))))
            .map(({ clientConfig, ...others }) => ({
              ...others,
              clientConfig: { url: this.#url(clientConfig.service.path), caBundle },
            })),
        },
      );
    }
  }

  #url(path: string): string {
    return `https://${ADDRESS}:${this.#place.ports.webhooks}${path}`;
  }
}

interface Definition extends KubernetesObject {
  readonly spec: { readonly names: { readonly plural: string } };
}

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks: readonly {
    readonly clientConfig: { readonly service: { readonly path: string } };
    readonly rules: readonly { readonly apiGroups: readonly string[] }[];
  }[];
}

function isEstablished(definition: KubernetesObject): boolean {
  // The list is null at first.
  const { conditions } = (definition['status'] ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null;
  };
  return conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}

async function respondsOk(url: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const request = get(url, { timeout: 5000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy(new Error(`${url}: no response`)));
    request.once('error', reject);
  });
}
