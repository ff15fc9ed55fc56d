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
          ['Address', 'Operation', 'What it does'],
          operations
            .filter((operation) => groupOf(operation) === group)
            .map((operation) => [code(addressOf(operation)), code(operation.name), text(operation.summary)]),
        ),
      ]),
      '## What goes in and out',
      'Operations of a kind take and give what the page of the kind shows. The others:',
      // Operations of a kind are on the kind's own page.
      ...operations.filter((operation) => groupOf(operation) === PLATFORM).flatMap(details),
    ]),
  };
}

const INTRODUCTION =
  'Addresses of the native interface begin with `/api/v1`. Put `/p/PROJECT` before an address to name the project; without it the project is `default`. `/api/openapi.json` describes every address, with the schemas of what goes in and comes out, as OpenAPI 3.1; `docs/reference/openapi.json` is the same document as a file.';

const RULES = [
  '- A list answers `{items, nextCursor?, resourceVersion}`. `limit` is at most 1,000; `cursor` takes the `nextCursor` of the page before and belongs to the same filter.',
  '- `ETag` of an answer is the `resourceVersion`. `If-Match` on a write makes it succeed only at that version; otherwise the answer is 412 `precondition_failed`.',
  '- `Idempotency-Key` on a write makes a repetition answer as the first call did, for as long as `retention.idempotencyHours` says. What is told once, as a new token, takes none.',
  '- Bodies are JSON. Where manifests go in, YAML is taken too (`Content-Type: application/yaml`).',
  '- `watch=true` on a list gives a stream of server-sent events. The `id` of each frame is a `resourceVersion`: send it as `Last-Event-ID` or `resourceVersion` to go on from there. 410 `cursor_expired` means: list again.',
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
    `\`${addressOf(operation)}\` answers ${operation.http.status}. ${text(operation.summary)}`,
    input.length === 0
      ? ''
      : `What goes in${query.size === 0 ? '' : `; in the query: ${[...query].map(code).join(', ')}`}:`,
    fieldTable(input, true),
    output.length === 0 ? '' : operation.mode === 'watch' ? 'Each frame:' : 'What comes out:',
    fieldTable(output, false),
  ];
}
