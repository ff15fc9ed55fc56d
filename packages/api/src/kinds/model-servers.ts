/** Model servers outside Dais, whose models an endpoint serves (`remote:/SERVER/MODEL`). */
import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { labelNameSchema, reference } from '#manifest.ts';
import { parseServedModel } from '#serving/model-reference.ts';

const modelServer = z.strictObject({
  name: labelNameSchema.describe('Name of the server in references: `remote:/NAME/MODEL`.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .describe('Base URL of the server, without `/v2`: `https://triton.example.com:8000`.'),
  protocol: z
    .enum(['v2'])
    .default('v2')
    .describe('`v2`: the Open Inference Protocol over HTTP (Triton, MLServer, KServe).'),
  credentials: z
    .strictObject({
      secret: reference('Secret').describe('Name of a Secret in the same project.'),
      key: z.string().min(1).max(128).describe('The key inside that Secret.'),
      header: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { message: 'the name of an HTTP header' })
        .optional()
        .describe('Header that contains the value. Default: `Authorization`, with `Bearer` before the value.'),
    })
    .optional()
    .describe('Credentials that Dais sends with each request.'),
  ca: z
    .string()
    .max(65_536)
    .regex(/-----BEGIN CERTIFICATE-----/, { message: 'certificates in PEM format' })
    .optional()
    .describe('Certificate authorities of the server in PEM format, in addition to those of the installation.'),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(32)
    .describe('Maximum concurrent requests of each gateway to a model of the server. More requests wait in the queue.'),
});
export type ModelServer = z.output<typeof modelServer>;

export const modelServers = z
  .array(modelServer)
  .max(20)
  .optional()
  .describe(
    'Model servers outside Dais that `remote:/SERVER/MODEL` refers to. A change of a server is rolled out like a new version.',
  );

/** Headers that the HTTP client sets, or that describe the body. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'inference-header-content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function checkModelServers(servers: readonly ModelServer[]): Issue[] {
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const [at, { name, url, credentials, ca }] of servers.entries()) {
    const path = `spec.servers[${at}]`;
    if (seen.has(name)) {
      issues.push({ path: `${path}.name`, message: `is "${name}" a second time`, expected: 'a unique name' });
    }
    seen.add(name);
    const problem = urlProblem(url);
    if (problem !== undefined) issues.push({ path: `${path}.url`, ...problem });
    const header = credentials?.header?.toLowerCase();
    if (header !== undefined && OWN_HEADERS.has(header)) {
      const expected = 'a header that Dais does not set itself, for example `x-api-key`';
      issues.push({ path: `${path}.credentials.header`, message: `is "${header}"`, expected });
    }
    if (ca !== undefined && url.startsWith('http:')) {
      issues.push({
        path: `${path}.ca`,
        message: 'has no effect with an `http` URL',
        expected: 'a `https` URL, or no `ca`',
      });
    }
  }
  return issues;
}

/** A URL that passed the schema. */
function urlProblem(url: string): { readonly message: string; readonly expected: string } | undefined {
  const { username, password, search, hash, pathname } = new URL(url);
  if (username !== '' || password !== '') {
    return { message: 'contains credentials', expected: 'a URL without them; name a Secret in `credentials`' };
  }
  if (search !== '' || hash !== '') return { message: 'has a query or a fragment', expected: 'a base URL' };
  if (/\/v2(\/|$)/.test(pathname)) {
    return { message: `has the path "${pathname}"`, expected: 'the URL before `/v2`, which Dais adds' };
  }
  return undefined;
}

/** Returns the problem of a reference to a model of a server that the endpoint does not declare. */
export function undeclaredServer(
  reference: string,
  servers: readonly ModelServer[],
): { readonly message: string; readonly expected: string } | undefined {
  const named = parseServedModel(reference);
  if ('message' in named || named.of !== 'remote' || servers.some(({ name }) => name === named.server))
    return undefined;
  const names = servers.map(({ name }) => `"${name}"`).join(', ');
  return {
    message: `names the server "${named.server}"`,
    expected: names === '' ? 'a server in `spec.servers`, which is empty' : `a server in \`spec.servers\`: ${names}`,
  };
}
