/** Problems of an edited manifest, with their positions in the text. */
import { checkManifest, kinds, manifestSchema, rangeAt, type Issue, type KindSpec } from '@dais/api';
import { parseAllDocuments, type Document } from 'yaml';

/** Characters from the start of the text. */
export interface ManifestProblem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
  readonly path: string;
}

const schemas = new Map<KindSpec, ReturnType<typeof manifestSchema>>();
const all = kinds.map((spec) => ({ spec }));
const known = {
  all,
  find: (kind: string) => all.find(({ spec }) => spec.kind === kind),
  manifestSchema: (spec: KindSpec) => {
    const schema = schemas.get(spec) ?? manifestSchema(spec);
    schemas.set(spec, schema);
    return schema;
  },
};

/**
 * Applies the server's rules for a single manifest, so that the editor shows most problems while you type. The plan
 * reports what only the server can check, such as references and permissions. `kind`: the kind of the page.
 */
export function manifestProblems(text: string, kind: KindSpec): readonly ManifestProblem[] {
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', stringKeys: true, prettyErrors: false });
  if ('empty' in documents || documents.length === 0) {
    return [{ from: 0, to: 0, path: '', message: `Write a manifest of kind ${kind.kind} here.` }];
  }
  const broken = documents.flatMap((document) =>
    document.errors.map(({ pos, message }) => ({
      from: pos[0],
      to: Math.max(pos[1], pos[0] + 1),
      path: '',
      message: message.split('\n')[0] ?? message,
    })),
  );
  if (broken.length > 0) return broken;
  const [first, second] = documents;
  if (second !== undefined) {
    const from = second.range[0];
    return [{ from, to: from + 1, path: '', message: 'One manifest at a time here; `dais apply` takes many.' }];
  }
  if (first === undefined) return [];
  const value: unknown = first.toJS({ maxAliasCount: 0 });
  const result = checkManifest(known, value);
  if (!result.ok) return result.issues.map((issue) => problemOf(issue, first)).toSorted((a, b) => a.from - b.from);
  if (result.manifest.definition.spec !== kind) {
    const other = { path: 'kind', message: `is another kind`, expected: kind.kind };
    return [problemOf(other, first)];
  }
  return [];
}

function problemOf(issue: Issue, document: Document): ManifestProblem {
  const path = issue.path ?? '';
  const parts = [
    path === '' ? `The document ${issue.message}` : `${path}: ${issue.message}`,
    ...(issue.expected === undefined ? [] : [`expected ${issue.expected}`]),
    ...(issue.nearest === undefined ? [] : [`did you mean ${issue.nearest}?`]),
  ];
  return { ...rangeAt(document.contents, path), path, message: parts.join('; ') };
}
