/** `dais pipeline lint`: checks manifests with the server's rules, without a server. */
import {
  checkManifest,
  countNoun,
  DaisError,
  type Issue,
  kinds,
  type KindSpec,
  manifestSchema,
  rangeAt,
} from '@dais/api';
import { isAlias, isNode, LineCounter, parseAllDocuments, visit, type Document } from 'yaml';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { readManifestFiles, type ManifestFile } from '#manifests/manifest-files.ts';
import { printedForPrograms } from '#output/result.ts';

const all = kinds.map((spec) => ({ spec }));
const known = {
  all,
  find: (kind: string) => all.find(({ spec }) => spec.kind === kind),
  manifestSchema: (spec: KindSpec) => manifestSchema(spec),
};

export const lint: Run<{ readonly recursive?: true }> = async (context, args, { recursive = false }) => {
  const { workingFolder, readStdin, sentTexts, terminal } = context;
  const files = await readManifestFiles(args, { workingFolder, recursive, readStdin });
  for (const { name, text } of files) sentTexts.set(name, text);
  const checked = files.map(checkFile);
  const issues = checked.flatMap((one) => one.issues);
  if (issues.length > 0) {
    throw new DaisError('invalid_manifest', `${issues.length === 1 ? '1 error' : `${issues.length} errors`}.`, {
      issues,
    });
  }
  const manifests = checked.reduce((sum, one) => sum + one.manifests, 0);
  if (await printedForPrograms(context, { manifests })) return exitCodes.ok.code;
  terminal.out(`${countNoun(manifests, 'manifest')} without errors.\n`);
  return exitCodes.ok.code;
};

function checkFile({ name: file, text }: ManifestFile): { readonly manifests: number; readonly issues: Issue[] } {
  const lines = new LineCounter();
  const options = {
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    prettyErrors: false,
    lineCounter: lines,
  } as const;
  const read = parseAllDocuments(text, options);
  const documents = 'empty' in read ? [] : read;
  const issues: Issue[] = [];
  let manifests = 0;
  const locate = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  for (const document of documents) {
    for (const { pos, message } of document.errors)
      issues.push({ ...locate(pos[0]), message: message.split('\n')[0] ?? '' });
    if (document.errors.length > 0 || document.contents === null) continue;
    manifests += 1;
    const references = referencesIn(document);
    issues.push(...references.map(({ offset, message }) => ({ ...locate(offset), message })));
    if (references.length > 0) continue;
    const result = checkManifest(known, document.toJS());
    if (result.ok) continue;
    issues.push(
      ...result.issues.map((issue) => ({ ...issue, ...locate(rangeAt(document.contents, issue.path ?? '').from) })),
    );
  }
  if (manifests === 0 && issues.length === 0) issues.push({ file, message: 'holds no manifest' });
  return { manifests, issues };
}

/** The server rejects aliases: they can expand a small text to a huge one. */
function referencesIn(document: Document): readonly { readonly offset: number; readonly message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, (_key, node) => {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    if (isAlias(node)) found.push({ offset, message: 'an alias is not allowed; write the value itself' });
    else if (isNode(node) && 'anchor' in node && node.anchor !== undefined) {
      found.push({ offset, message: 'an anchor is not allowed; write the value itself' });
    }
  });
  return found;
}
