import { readFileSync } from 'node:fs';
import { whyAbsent } from '../../packages/server/src/protocols/mlflow/absent-endpoints.ts';
import { byteEndpoints } from '../../packages/server/src/protocols/mlflow/artifacts/artifact-transfer.ts';
import { multipartEndpoints } from '../../packages/server/src/protocols/mlflow/artifacts/multipart-transfer.ts';
import { graphqlEndpoints } from '../../packages/server/src/protocols/mlflow/graphql/graphql-route.ts';
import { excludedOf, totalsOf, type Score } from '../mlflow-suite/score.ts';
import { pageEndpoints } from '../../packages/server/src/protocols/mlflow/artifacts/ui-files.ts';
import { traceFileEndpoints } from '../../packages/server/src/protocols/mlflow/artifacts/trace-files.ts';
import { addressesOf, routes } from '../../packages/server/src/protocols/mlflow/route-table.ts';
import { corpusGroups, differences, exchangesOf } from '../../packages/server/src/protocols/mlflow/testing/corpus.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table } from './markdown.ts';

interface Endpoint {
  readonly method: string;
  readonly path: string;
}

/** The lines of clients that are tried, the oldest first. */
const LINES = ['2.22', '3.4', '3.18'] as const;
type Line = (typeof LINES)[number];

/** Which endpoints of MLflow's server Dais has, since when clients know them, and which operation answers each. */
export function mlflowPage(): GeneratedFile {
  const { version, endpoints } = published();
  const served = servedOperations();
  const lines = endpointsOfLines();
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const group = groupOf(endpoint.path);
    groups.set(group, [...(groups.get(group) ?? []), endpoint]);
  }
  const there = endpoints.filter((endpoint) => served.has(keyOf(endpoint)));
  const requests = corpusGroups().flatMap(exchangesOf).length;
  const missing = endpoints.filter((endpoint) => !served.has(keyOf(endpoint)));
  const tables = [...groups]
    .map(([group, members]) => [group, members.filter((endpoint) => served.has(keyOf(endpoint)))] as const)
    .filter(([, members]) => members.length > 0)
    .flatMap(([group, members]) => [
      `## ${group}`,
      table(
        ['Endpoint', 'Clients', 'Operation'],
        members.map((endpoint) => [
          code(`${endpoint.method} ${endpoint.path}`),
          sinceWhich(endpoint, lines),
          code(served.get(keyOf(endpoint)) ?? ''),
        ]),
      ),
    ]);
  return {
    path: `${REFERENCE}/mlflow.md`,
    text: page('Endpoints of MLflow', 'packages/server/src/protocols/mlflow/route-table.ts', [
      `Of the ${endpoints.length} endpoints that the server of MLflow ${version} has in its protocol files, Dais serves ${there.length}. Each exists below \`/api\` and \`/ajax-api\`, and both below \`/p/PROJECT\`. All others return 404 and \`ENDPOINT_NOT_FOUND\`, for which clients have a fallback.`,
      `MLflow's own clients ${LINES.join(', ')} are tested against Dais, unmodified. “Clients” is the first version that uses the endpoint.`,
      ...tables,
      '## In no protocol file',
      'MLflow serves these in addition to the endpoints of its protocol files, and so does Dais.',
      table(['Endpoint', 'Operation'], besideRows()),
      '## Tests of MLflow itself',
      ...scoreSection(),
      '## Intended differences',
      `The responses of MLflow ${version} to ${requests} requests are recorded in \`conformance/mlflow/corpus\`; \`npm test\` sends the same requests to Dais. All responses are equal, except for these:`,
      table(
        ['MLflow', 'Dais', 'Why'],
        differences().map(({ mlflow, dais, reason }) => [mlflow, dais, reason]),
      ),
      '## Not there',
      table(
        ['Endpoint', 'Clients', 'Why'],
        missing.map((endpoint) => [
          code(`${endpoint.method} ${endpoint.path}`),
          sinceWhich(endpoint, lines),
          whyAbsent(endpoint.path) ?? 'not there yet',
        ]),
      ),
    ]),
  };
}

/** The score that tools/mlflow-suite.ts wrote. */
function scoreSection(): string[] {
  const score = read('upstream/score.json') as Score;
  const { passed, failed, excluded, percent } = totalsOf(score.files);
  const rows = score.files.map((one) => {
    const counts = totalsOf([one]);
    return [code(one.file), counts.passed, counts.failed, counts.excluded].map(String);
  });
  const failing = score.files.flatMap((one) => one.failed);
  return [
    `Of ${passed + failed} tests of MLflow's own repository that use a server, ${passed} pass with Dais (${percent} %). The tests are of MLflow ${score.checkout}, the client is MLflow ${score.client}, and the date is ${score.date}. \`tools/mlflow-suite.ts\` runs them unmodified on a checkout of that repository and writes these tables.`,
    table(['Tests', 'Passed', 'Failed', 'Excluded'], [...rows, ['Total', passed, failed, excluded].map(String)]),
    ...(failing.length === 0
      ? []
      : [
          'These tests fail:',
          table(
            ['Test', 'Why'],
            failing.map(({ test, reason }) => [code(test.replace(/^tests\//, '')), reason]),
          ),
        ]),
    'These tests are excluded:',
    table(
      ['Tests', 'Why'],
      excludedOf(score.files).map(({ tests, reason }) => [String(tests), reason]),
    ),
  ];
}

function published(): { readonly version: string; readonly endpoints: readonly Endpoint[] } {
  return read('endpoints.json') as ReturnType<typeof published>;
}

/** Which endpoints the older lines know: `GET /api/2.0/…`, with `*` for what varies. */
function endpointsOfLines(): ReadonlyMap<Line, ReadonlySet<string>> {
  const known = read('older-endpoints.json') as Readonly<Partial<Record<Line, readonly string[]>>>;
  return new Map(LINES.map((line) => [line, new Set(known[line])]));
}

function sinceWhich(endpoint: Endpoint, lines: ReadonlyMap<Line, ReadonlySet<string>>): string {
  const first = LINES.find((line) => lines.get(line)?.has(keyOf(endpoint)) === true) ?? LINES.at(-1) ?? '';
  return `${first} on`;
}

function besideRows(): string[][] {
  const rows = routes
    .filter(({ beside }) => beside !== undefined)
    .map((route) => [code(`${route.method} ${addressesOf(route)[0] ?? ''}`), code(route.operation.name)]);
  const files = [...pageEndpoints, ...traceFileEndpoints, ...graphqlEndpoints];
  const pages = files.map(({ method, path, operation }) => [code(`${method} ${path}`), code(operation)]);
  return [[code('GET /health'), ''], [code('GET /version'), ''], ...rows, ...pages];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../conformance/mlflow/${name}`, import.meta.url), 'utf8'));
}

function servedOperations(): ReadonlyMap<string, string> {
  const served = new Map<string, string>();
  for (const route of routes) {
    const [address = ''] = addressesOf(route);
    served.set(keyOf({ method: route.method, path: address }), route.operation.name);
  }
  for (const endpoint of [...byteEndpoints, ...multipartEndpoints]) served.set(keyOf(endpoint), endpoint.operation);
  return served;
}

function keyOf({ method, path }: Endpoint): string {
  return `${method} ${path.replaceAll(/\{[^}]*\}|<[^>]*>|:\w+/g, '*')}`;
}

/** `/api/2.0/mlflow/runs/create` is one of `runs`. */
function groupOf(path: string): string {
  const [, , , family = '', group = ''] = path.split('/');
  return family === 'mlflow' ? group : family;
}
