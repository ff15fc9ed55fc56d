import { DaisError, findKind, jsonSchemaOf, kinds, manifestSchema, type KindSpec } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { fieldPage, kindList, kindPage } from '#explain/explain-text.ts';
import { findField } from '#explain/field-lookup.ts';
import { jsonText, yamlText } from '#output/documents.ts';
import { unknownKind } from '#resources/kind-view.ts';

interface ExplainOptions {
  readonly all?: true;
  readonly example?: true;
}

export const run: Run<ExplainOptions> = async (context, [word], options) => {
  context.terminal.out(await page(context, word, options));
  return exitCodes.ok.code;
};

async function page(context: Context, word: string | undefined, options: ExplainOptions): Promise<string> {
  const { terminal, globals } = context;
  const forProgram = globals.output === 'json' ? jsonText : globals.output === 'yaml' ? yamlText : undefined;
  if (word === undefined) {
    if (options.example === true) throw new DaisError('invalid_request', 'Give a kind: dais explain KIND --example.');
    if (globals.output === 'name') return kinds.map((kind) => `${kind.plural}\n`).join('');
    return forProgram === undefined ? kindList(kinds, terminal) : await forProgram(kinds.map(summary));
  }
  const dot = word.search(/[./]/);
  const kind = findKind(dot === -1 ? word : word.slice(0, dot));
  if (kind === undefined) throw unknownKind(dot === -1 ? word : word.slice(0, dot));
  const path = dot === -1 ? '' : word.slice(dot + 1);
  if (options.example === true) return kind.example;
  if (path === '') {
    if (forProgram === undefined) return kindPage(kind, options.all === true, terminal);
    return await forProgram(jsonSchemaOf(manifestSchema(kind), 'input'));
  }
  if (forProgram === undefined) return fieldPage(kind, path, terminal);
  const { rows, below } = findField(kind, path);
  return await forProgram([...rows, ...below]);
}

function summary({ kind, plural, shortNames = [], scope, description }: KindSpec) {
  return { kind, plural, shortNames, scope, description };
}
