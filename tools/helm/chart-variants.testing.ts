/** Values with which tests render the Helm chart. */
import type { RenderOptions } from './chart.testing.ts';

/** Values without which the profile `production` cannot be installed. */
const REQUIRED = {
  image: { registry: 'registry.example.com', repository: 'ml/dais' },
  config: {
    publicUrl: 'https://dais.example.com',
    blobs: { type: 's3', bucket: 'dais-content', region: 'eu-central-1' },
    trustedProxies: ['10.0.0.0/8'],
  },
  database: { secret: { name: 'dais-database' } },
  keys: { secret: { name: 'dais-keys' } },
};

const INGRESS = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }];
export const PROMETHEUS = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }];

/** Returns the options of a production installation, with values merged over the required ones, one level deep. */
export function production(values: Readonly<Record<string, object>> = {}): RenderOptions {
  const merged: Record<string, object> = { ...REQUIRED };
  for (const [name, value] of Object.entries(values)) merged[name] = { ...merged[name], ...value };
  return { profile: 'production', values: merged };
}

/** The variant with the longest name that Helm permits for a release, and with rights in the cluster. */
export const LONG_NAME = 'a long release name';

/** Everything that can be turned on; values that exclude each other are in different variants. */
export const variants: Readonly<Record<string, RenderOptions>> = {
  trial: { profile: 'trial' },
  production: production(),
  'production with everything': {
    ...production({
      config: { inferenceUrl: 'https://predict.example.com/v1', limits: { drainSeconds: 60 } },
      ingress: { enabled: true, className: 'nginx', tlsSecretName: 'dais-tls' },
      networkPolicy: { clients: INGRESS, metrics: PROMETHEUS, egress: { internet: true } },
      metrics: {
        serviceMonitor: { enabled: true, gateways: true, token: { secret: 'dais-scrape' } },
        rules: { enabled: true },
        dashboards: { enabled: true },
      },
      backup: { enabled: true },
      blobs: { secret: { name: 'dais-blobs' } },
      caBundle: { configMap: 'company-ca' },
      roles: {
        api: { autoscaling: { enabled: true } },
        gateway: { grpc: true, persistence: { enabled: true } },
        worker: { drain: { secret: 'dais-drain' }, nodeSelector: { pool: 'steps' } },
      },
    }),
  },
  'production with TLS in the pods, HTTPRoutes and a key service': {
    ...production({
      config: {
        trustedProxies: [],
        keys: { type: 'vault', address: 'https://vault:8200', keys: ['dais'], kubernetesRole: 'dais' },
      },
      keys: { secret: { name: '' } },
      tls: { secretName: 'dais-tls', caKey: 'ca.crt' },
      httpRoute: { enabled: true, parentRefs: [{ name: 'public', namespace: 'gateways' }] },
      networkPolicy: { clients: INGRESS },
      nodes: { join: 'token', joinToken: { secret: 'dais-join' } },
      rbac: { create: true, mode: 'namespaced', namespaces: ['training', 'research'], kueue: true },
      roles: { worker: { replicas: 0 }, all: { replicas: 2, persistence: { enabled: true } } },
    }),
  },
  [LONG_NAME]: {
    ...production({
      backup: { enabled: true },
      rbac: { create: true, mode: 'cluster', projectObjects: true },
      roles: Object.fromEntries(
        ['api', 'controller', 'gateway', 'worker'].map((role) => [role, { persistence: { enabled: true } }]),
      ),
    }),
    release: 'a-release-name-of-fifty-three-characters-the-maximum1',
  },
};
