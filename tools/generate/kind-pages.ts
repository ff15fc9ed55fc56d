import { kinds, manifestSchema, resourceOperations, type KindSpec } from '@dais/api';
import { z } from 'zod';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, fence, page, table, text } from './markdown.ts';
import { addressOf } from './http-page.ts';
import { fieldRows, fieldTable, type FieldRow, type JsonSchema } from './schema-fields.ts';

export function kindPages(): GeneratedFile[] {
  return [index(), ...kinds.map((kind) => ({ path: `${REFERENCE}/kinds/${fileName(kind)}.md`, text: kindPage(kind) }))];
}

/** `AlertChannel` → `alert-channel`: the name of its page and of its schema. */
export function fileName(kind: KindSpec): string {
  return kind.kind.replaceAll(/(?<=[a-z])([A-Z])/g, '-$1').toLowerCase();
}

/** What a person may write in `spec`, as rows. */
export function specRows(kind: KindSpec): FieldRow[] {
  const schema = z.toJSONSchema(manifestSchema(kind), { io: 'input' }) as JsonSchema;
  return fieldRows({ properties: { spec: schema.properties?.['spec'] ?? {} } }).slice(1);
}

function statusRows(kind: KindSpec): FieldRow[] {
  const rows = fieldRows({ properties: { status: z.toJSONSchema(kind.status) as JsonSchema } }).slice(1);
  return rows.filter((row) => !row.path.startsWith('status.conditions['));
}

function index(): GeneratedFile {
  const rows = kinds.map((kind) => [
    `[${kind.kind}](./${fileName(kind)})`,
    code(kind.plural),
    kind.scope === 'org' ? 'organization' : 'project',
    text(kind.description),
  ]);
  const intro =
    'A kind is a type of resource. Each has the same operations, the same history and the same `metadata`; only `spec` and `status` differ. `dais explain KIND` shows these pages in a terminal.';
  return {
    path: `${REFERENCE}/kinds/index.md`,
    text: page('Kinds', 'packages/api/src/kinds', [
      intro,
      table(['Kind', 'In addresses', 'Belongs to', 'What it is'], rows),
    ]),
  };
}

function kindPage(kind: KindSpec): string {
  const schemaFile = `schemas/${fileName(kind)}.json`;
  return page(kind.kind, `packages/api/src/kinds/${fileName(kind)}.ts`, [
    text(kind.description),
    facts(kind),
    '## Example',
    fence('yaml', kind.example),
    '## Fields',
    `\`apiVersion\`, \`kind\` and \`metadata\` are the same for every kind: see [Manifests](../manifest). [Editors](../editors) check and complete all of it with [${schemaFile}](../${schemaFile}).`,
    fieldTable(specRows(kind), true),
    rules(kind),
    '## Status',
    'Only the platform writes it. [Conditions](../manifest#conditions) have the same form for every kind.',
    fieldTable(statusRows(kind), false),
    ...actions(kind),
    '## Columns',
    '`dais get` shows these in addition to name and age; columns marked wide need `-o wide`.',
    columns(kind),
    '## Operations',
    operations(kind),
  ]);
}

function facts(kind: KindSpec): string {
  const words = [kind.plural, ...(kind.shortNames ?? [])].map(code).join(', ');
  return [
    `- In URLs and on the command line: ${words}`,
    `- Belongs to ${kind.scope === 'org' ? 'the organization' : 'a project'}`,
  ].join('\n');
}

function rules(kind: KindSpec): string {
  const list = (fields: readonly string[]) => fields.map((field) => code(`spec.${field}`)).join(', ');
  return [
    ...(kind.writeOnly?.length
      ? [`- Write-only: ${list(kind.writeOnly)}. Values are accepted and never returned.`]
      : []),
    ...(kind.immutable?.length ? [`- Cannot be changed later: ${list(kind.immutable)}.`] : []),
  ].join('\n');
}

function actions(kind: KindSpec): string[] {
  if (kind.actions.length === 0) return [];
  return [
    '## Actions',
    ...kind.actions.flatMap((action) => [
      `### ${action.verb}`,
      `${text(action.description)} \`POST /api/v1/${kind.plural}/NAME/actions/${action.verb}\``,
      fieldTable(fieldRows(z.toJSONSchema(action.input, { io: 'input' }) as JsonSchema), true),
      'The answer:',
      fieldTable(fieldRows(z.toJSONSchema(action.output) as JsonSchema), false),
    ]),
  ];
}

function columns(kind: KindSpec): string {
  return table(
    ['Column', 'From', ''],
    kind.columns.map((column) => [text(column.title), code(column.path), column.wide === true ? 'wide' : '']),
  );
}

function operations(kind: KindSpec): string {
  return table(
    ['Operation, action for policies', 'Address', 'What it does'],
    resourceOperations(kind).map((operation) => [
      `${code(operation.name)}<br>${code(operation.action)}`,
      code(addressOf(operation)),
      text(operation.summary),
    ]),
  );
}
