import { readFileSync } from 'node:fs';
import { unsupportedReason } from '../../packages/server/src/protocols/kfp/unsupported-endpoints.ts';
import { artifactEndpoint } from '../../packages/server/src/protocols/kfp/routes/artifact-routes.ts';
import { BASE, routes } from '../../packages/server/src/protocols/kfp/route-table.ts';
import { uploadEndpoints } from '../../packages/server/src/protocols/kfp/routes/upload-routes.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table } from './markdown.ts';

interface Endpoint {
  readonly method: string;
  readonly path: string;
}

const DIFFERENCES: readonly (readonly [there: string, here: string, why: string])[] = [
  [
    'A canceled run has the state `CANCELED`.',
    'It has the state `FAILED`, with the error `terminated`.',
    '`wait_for_run_completion` has no final state `CANCELED`, and would wait until its timeout.',
  ],
  [
    'Lists contain each run’s tasks, and each pipeline in full.',
    'Lists contain neither; a read by id does.',
    'A page of 200 could be hundreds of megabytes.',
  ],
  [
    'A retried run runs again in its place.',
    'It continues under its id as a new execution, which reuses succeeded tasks; `retryOf` and `thread` of `execution.get` show it.',
    'Earlier attempts stay readable.',
  ],
  ['A running run can be deleted.', 'It is rejected with 400: terminate it first.', 'Every running step has a record.'],
  [
    'A deleted experiment cannot be restored.',
    'It can be restored until garbage collection, under the name `NAME (deleted ID)`.',
    'Experiments are shared with MLflow’s clients, which expect it.',
  ],
  [
    '`package_url` is fetched by the server.',
    'It is refused with 501.',
    'The server does not call URLs of clients: upload the file.',
  ],
  [
    'Metrics are in ML Metadata.',
    '`plugins_output.dais.entries` of `GET /runs/{run_id}` has them, `TASK/ARTIFACT/METRIC`.',
    'The published messages have no other field for them.',
  ],
  [
    '`pipeline_root` is the location of artifacts.',
    'It is stored with the run, and Dais stores the artifacts.',
    'One lineage.',
  ],
  [
    '`IN` and order work on every field.',
    '`IN` is for text; an experiment is not sorted by its last run.',
    'Each has an index.',
  ],
];

/** Which endpoints of Kubeflow Pipelines' server Dais has, and which operation answers each. */
export function kfpPage(): GeneratedFile {
  const { version, endpoints } = published();
  const served = new Set(routes.map(({ method, path }) => keyOf({ method, path: BASE + path })));
  const missing = endpoints.filter((one) => !served.has(keyOf(one)) && one.path !== `${BASE}/healthz`);
  const groups = [...new Set(routes.map(({ path }) => groupOf(path)))];
  return {
    path: `${REFERENCE}/kfp.md`,
    text: page('Endpoints of Kubeflow Pipelines', 'packages/server/src/protocols/kfp/route-table.ts', [
      `Of the ${endpoints.length} endpoints that version ${version} of Kubeflow Pipelines publishes as \`v2beta1\`, Dais serves ${endpoints.length - missing.length}. Each exists below \`${BASE}\`, and below \`/p/PROJECT${BASE}\`. \`kfp.Client\` 2.15.2 and 2.17.3 are tested against Dais, unmodified.`,
      '```python\nclient = kfp.Client(host="http://127.0.0.1:7070", existing_token=token)\n```',
      'A project is selected by its URL, `host="http://127.0.0.1:7070/p/PROJECT"`, or as a namespace: `namespace="PROJECT"`. Ids of a namespace contain it, `PROJECT.7`, because clients later send only the id. Experiments are shared with MLflow’s clients.',
      'An unknown field of a body is rejected, with the most similar name. Errors are `google.rpc.Status`; `details` names the code of [the catalog](errors.md). Filters, orders and page tokens are as published: 20 items a page, at most 200; `total_size` is exact up to 10,000, of experiments up to 1,000.',
      ...groups.flatMap((group) => [
        `## ${group}`,
        table(
          ['Endpoint', 'Operation'],
          routes
            .filter(({ path }) => groupOf(path) === group)
            .map(({ method, path, operation }) => [code(`${method} ${BASE}${path}`), code(operation.name)]),
        ),
      ]),
      '## In no protocol file',
      table(
        ['Endpoint', 'Operation'],
        [...uploadEndpoints, artifactEndpoint].map(({ method, path, operation }) => [
          code(`${method} ${BASE}${path}`),
          code(operation),
        ]),
      ),
      'An upload is a form with the file in `uploadfile`: YAML or JSON, or a zip or tar.gz that contains `pipeline.yaml`. The name of a node is the `task_id` of its task. The response contains one file, the metrics of a `dsl.Metrics` output as JSON, or with the name `main-logs` the log of the task.',
      '## Intended differences',
      table(
        ['Kubeflow Pipelines', 'Dais', 'Why'],
        DIFFERENCES.map((row) => [...row]),
      ),
      '## Not there',
      table(
        ['Endpoint', 'Why'],
        missing.map(({ method, path }) => [
          code(`${method} ${path}`),
          unsupportedReason(method, path.slice(BASE.length)) ?? 'not there yet',
        ]),
      ),
    ]),
  };
}

function published(): { readonly version: string; readonly endpoints: readonly Endpoint[] } {
  const file = new URL('../../conformance/kfp/endpoints.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof published>;
}

function keyOf({ method, path }: Endpoint): string {
  return `${method} ${path.replaceAll(/\{[^}]*\}/g, '*')}`;
}

/** `/runs/{run_id}` is one of `runs`. */
function groupOf(path: string): string {
  return path.split('/')[1]?.replace(/:.*$/, '') ?? '';
}
