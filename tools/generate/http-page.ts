import { kinds, type Operation } from '@dais/api';
import { z } from 'zod';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table, text } from './markdown.ts';
import { fieldRows, fieldTable, type JsonSchema } from './schema-fields.ts';

/** Every operation with its URL, grouped by kind, in the order of the list. */
export function httpPage(operations: readonly Operation[]): GeneratedFile {
  const groups = [...new Set(operations.map(groupOf))];
  return {
    path: `${REFERENCE}/http.md`,
    text: page('HTTP', 'packages/api/src/operations', [
      INTRODUCTION,
      RULES,
      ...groups.flatMap((group) => [
        `## ${group}`,
        table(
          ['Path', 'Operation', 'Description'],
          operations
            .filter((operation) => groupOf(operation) === group)
            .map((operation) => [code(addressOf(operation)), code(operation.name), text(operation.summary)]),
        ),
      ]),
      '## Inputs and outputs',
      'Inputs and outputs of operations of a kind are on the page of the kind. The others:',
      // Operations of a kind are on the kind's own page.
      ...operations.filter((operation) => groupOf(operation) === PLATFORM).flatMap(details),
    ]),
  };
}

const INTRODUCTION =
  'Paths of the native interface start with `/api/v1`. The prefix `/p/PROJECT` selects the project; without it the project is `default`. `/api/openapi.json` describes every path with the schemas of inputs and outputs as OpenAPI 3.1; `docs/reference/openapi.json` is the same document as a file.';

const RULES = [
  '- A list returns `{items, nextCursor?, resourceVersion}`. `limit` is at most 1,000; `cursor` is the `nextCursor` of the previous page with the same filter.',
  '- The `ETag` of a response is the `resourceVersion`. A write with `If-Match` succeeds only at that version; otherwise the response is 412 `precondition_failed`.',
  '- With `Idempotency-Key`, a repeated write returns the first response, for `retention.idempotencyHours`. Operations whose response has a secret, such as a new token, do not accept it.',
  '- Bodies are JSON. Operations with manifests also accept YAML (`Content-Type: application/yaml`).',
  '- `watch=true` on a list returns a stream of server-sent events. The `id` of each frame is a `resourceVersion`: send it as `Last-Event-ID` or `resourceVersion` to resume from there. 410 `cursor_expired` means: list again.',
  '- Times are RFC 3339 in UTC, sizes are bytes.',
  '- A failure is a [problem document](./errors).',
].join('\n');

const PLATFORM = 'The platform';

/** The kind, or `The platform` for operations without a kind. */
function groupOf(operation: Operation): string {
  const word = operation.http.path.split('/')[3] ?? '';
  return kinds.find((kind) => kind.plural === word)?.kind ?? PLATFORM;
}

/** `GET /api/v1/secrets/NAME`. */
export function addressOf({ mode, http }: Operation): string {
  return `${http.method} ${http.path.replaceAll(/:(\w+)/g, (_, name: string) => name.toUpperCase())}${mode === 'watch' ? '?watch=true' : ''}`;
}

function details(operation: Operation): string[] {
  const input = fieldRows(z.toJSONSchema(operation.input, { io: 'input' }) as JsonSchema);
  const query = new Set(operation.http.query ?? []);
  const output = fieldRows(z.toJSONSchema(operation.output) as JsonSchema);
  return [
    `### ${operation.name} {#${operation.name.replaceAll('.', '-')}}`,
    `\`${addressOf(operation)}\` returns ${operation.http.status}. ${text(operation.summary)}`,
    input.length === 0 ? '' : `Input${query.size === 0 ? '' : `; in the query: ${[...query].map(code).join(', ')}`}:`,
    fieldTable(input, true),
    output.length === 0 ? '' : operation.mode === 'watch' ? 'Each frame:' : 'Output:',
    fieldTable(output, false),
  ];
}
