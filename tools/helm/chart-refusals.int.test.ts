/** Values that the Helm chart refuses, with a message that names the value to change. */
import { expect, test } from 'vitest';
import { production, PROMETHEUS } from './chart-variants.testing.ts';
import { helm, type RenderOptions } from './chart.testing.ts';

interface Refusal {
  readonly what: string;
  readonly options: RenderOptions;
  readonly message: RegExp;
}

const refusals: readonly Refusal[] = [
  { what: 'no profile', options: {}, message: /`profile` is not set.*values-trial\.yaml.*values-production\.yaml/ },
  {
    what: 'two pods with embedded PostgreSQL',
    options: { profile: 'trial', values: { roles: { all: { replicas: 2 } } } },
    message: /only one pod can use, but `roles\.all\.replicas` is 2\. Set it to 1/,
  },
  {
    what: 'a further role with embedded PostgreSQL',
    options: { profile: 'trial', values: { roles: { worker: { replicas: 1 } } } },
    message: /`roles\.worker\.replicas` is 1\. Set it to 0/,
  },
  {
    what: 'an authority without a certificate',
    options: production({ tls: { caKey: 'ca.crt' } }),
    message: /`tls\.caKey` is a key of the Secret of the certificate.*Set `tls\.secretName`/,
  },
  {
    what: 'a trial without a volume',
    options: { profile: 'trial', values: { roles: { all: { persistence: { enabled: false } } } } },
    message: /Set `roles\.all\.persistence\.enabled: true`/,
  },
  {
    what: 'a trial with another database',
    options: { profile: 'trial', values: { database: { secret: { name: 'x' } } } },
    message: /Remove `database\.secret\.name`/,
  },
  {
    what: 'a trial with backups',
    options: { profile: 'trial', values: { backup: { enabled: true } } },
    message: /back up in the pod/,
  },
  { what: 'no database', options: production({ database: { secret: {} } }), message: /set `database\.secret\.name`/ },
  {
    what: 'a folder for content',
    options: production({ config: { blobs: { type: 'fs' } } }),
    message: /`config\.blobs\.type` is `fs`/,
  },
  {
    what: 'no bucket',
    options: production({ config: { blobs: { type: 's3' } } }),
    message: /'\/config\/blobs': missing property 'bucket'/,
  },
  {
    what: 'keys in a folder',
    options: production({ config: { keys: { type: 'file' } } }),
    message: /`config\.keys\.type` is `file`/,
  },
  { what: 'no keys', options: production({ keys: { secret: {} } }), message: /set `keys\.secret\.name`/ },
  {
    what: 'no public URL',
    options: production({ config: { publicUrl: undefined } }),
    message: /Set `config\.publicUrl`/,
  },
  {
    what: 'unencrypted passwords',
    options: production({ config: { trustedProxies: [] } }),
    message: /Set `tls\.secretName`.*`config\.trustedProxies`.*`config\.insecureHttp: true`/s,
  },
  {
    what: 'an archive of an external database',
    options: production({ config: { database: { archive: { store: { type: 's3', bucket: 'wal' } } } } }),
    message: /`config\.database\.archive` is for the database of the profile `trial`/,
  },
  { what: 'no API', options: production({ roles: { api: { replicas: 0 } } }), message: /No pod serves the API/ },
  {
    what: 'no controller',
    options: production({ roles: { controller: { replicas: 0 } } }),
    message: /No pod runs background work/,
  },
  {
    what: 'Ingress and HTTPRoute',
    options: production({ ingress: { enabled: true }, httpRoute: { enabled: true, parentRefs: [{ name: 'g' }] } }),
    message: /`ingress\.enabled` and `httpRoute\.enabled` are both true/,
  },
  {
    what: 'an ingress controller that the policies refuse',
    options: production({ ingress: { enabled: true } }),
    message: /networkPolicy\.clients: \[/,
  },
  {
    what: 'a join without a token',
    options: production({ nodes: { join: 'token' } }),
    message: /`nodes\.joinToken\.secret`/,
  },
  {
    what: 'a scrape without a token',
    options: production({ metrics: { serviceMonitor: { enabled: true } }, networkPolicy: { metrics: PROMETHEUS } }),
    message: /permission metrics:read/,
  },
  {
    what: 'rights without a namespace',
    options: production({ rbac: { create: true } }),
    message: /rbac\.namespaces: \[dais-training\]/,
  },
  {
    what: 'a drain that outlives the pod',
    options: production({ roles: { worker: { drain: { secret: 'x' }, persistence: { enabled: true } } } }),
    message: /A drained node stays drained/,
  },
  { what: 'the tag latest', options: production({ image: { tag: 'latest' } }), message: /`image\.tag` is `latest`/ },
  // The schema.
  {
    what: 'an unknown value',
    options: production({ roles: { apii: {} } }),
    message: /'\/roles': additional properties 'apii' not allowed/,
  },
  {
    what: 'an unknown field of the configuration',
    options: production({ config: { blobs: { type: 's3', bucket: 'b', buckett: 'x' } } }),
    message: /'\/config\/blobs': additional properties 'buckett' not allowed/,
  },
  {
    what: 'an unknown store',
    options: production({ config: { blobs: { type: 'gcp' } } }),
    message: /'\/config\/blobs\/type': value must be one of 'fs', 's3', 'azure', 'gcs'/,
  },
  {
    what: 'a secret among the values',
    options: production({ config: { database: { url: 'postgres://dais:secret@db/dais' } } }),
    message: /'\/config\/database': additional properties 'url' not allowed/,
  },
  {
    what: 'a field that the chart sets',
    options: production({ config: { port: 80 } }),
    message: /'\/config': additional properties 'port' not allowed/,
  },
  {
    what: 'a variable of Dais among those of other programs',
    options: production({ variables: { DAIS_ROLE: 'all' } }),
    message: /invalid propertyName 'DAIS_ROLE'/,
  },
  {
    what: 'no memory limit',
    options: production({ roles: { api: { resources: { limits: { memory: null } } } } }),
    message: /'\/roles\/api\/resources\/limits': missing property 'memory'/,
  },
];

test.each(refusals)('refuses $what', async ({ options, message }) => {
  const { code, output } = await helm(['template'], { release: 'dais', ...options });
  expect(code).not.toBe(0);
  expect(output).toMatch(message);
});
