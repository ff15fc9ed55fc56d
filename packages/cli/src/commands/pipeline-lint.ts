/** `dais pipeline lint`: the server's own rules for manifests, without a server. */
import { checkManifest, DaisError, formatPath, kinds, manifestSchema, type Issue, type KindSpec } from '@dais/api';
import { isCollection, isMap, isPair, isScalar, LineCounter, parseAllDocuments, type Document } from 'yaml';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { readManifestFiles, type ManifestFile } from '#manifests/manifest-files.ts';
import { countText } from '#output/amounts.ts';
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
    throw new DaisError(
      'invalid_manifest',
      `There ${issues.length === 1 ? 'is 1 fault' : `are ${issues.length} faults`}.`,
      {
        issues,
      },
    );
  }
  const manifests = checked.reduce((sum, one) => sum + one.manifests, 0);
  if (await printedForPrograms(context, { manifests })) return exitCodes.ok.code;
  terminal.out(`${countText(manifests, 'manifest')} without a fault.\n`);
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
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  for (const document of documents) {
    for (const { pos, message } of document.errors)
      issues.push({ ...place(pos[0]), message: message.split('\n')[0] ?? '' });
    if (document.errors.length > 0 || document.contents === null) continue;
    manifests += 1;
    const result = checkManifest(known, document.toJS({ maxAliasCount: 100 }));
    if (result.ok) continue;
    issues.push(...result.issues.map((issue) => ({ ...issue, ...place(offsetOf(document, issue.path ?? '')) })));
  }
  if (manifests === 0 && issues.length === 0) issues.push({ file, message: 'holds no manifest' });
  return { manifests, issues };
}

/** Of the key (or list item) at `path`, or of the nearest part above it that stands in the text. */
function offsetOf(document: Document, path: string): number {
  let node: unknown = document.contents;
  let at = startOf(node);
  let text = '';
  while (text !== path && isCollection(node)) {
    const steps = node.items.flatMap((item, index) => {
      const key = isPair(item) ? (isScalar(item.key) ? String(item.key.value) : undefined) : index;
      if (key === undefined) return [];
      const place = formatPath([...(text === '' ? [] : [text]), key]);
      const leads = path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
      return leads ? [{ place, key: isPair(item) ? item.key : item, value: isPair(item) ? item.value : item }] : [];
    });
    // Keys may contain dots: the longest that fits is meant.
    const [found] = steps.toSorted((one, other) => other.place.length - one.place.length);
    if (found === undefined) break;
    ({ place: text, value: node } = found);
    at = startOf(found.key);
  }
  return at;
}

function startOf(node: unknown): number {
  if (isMap(node) && node.items[0] !== undefined) return startOf(node.items[0].key);
  return (node as { range?: readonly [number, number, number] | null } | null)?.range?.[0] ?? 0;
}
