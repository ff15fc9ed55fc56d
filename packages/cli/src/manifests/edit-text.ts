/** The text for an editor, and the notes in it. Pure functions except for YAML. */
import { errorCatalog, hasCatalogRemedy, type DaisError, type Issue, type Resource } from '@dais/api';
import { remedyFor } from '#output/error-text.ts';
import { yamlText } from '#output/documents.ts';
import { printable } from '#output/width.ts';

/** Prefix of our notes, which are removed before the text is sent. */
const REMARK = '#!';

export async function editableText(resource: Resource, writeOnly: readonly string[]): Promise<string> {
  const { apiVersion, kind, metadata, spec } = resource;
  const { name, project, labels, annotations } = metadata;
  const head = [
    `${kind} ${name}${project === undefined ? '' : ` in project ${project}`}, revision ${metadata.generation}.`,
    'Save and exit the editor to apply. Exit without changes, or clear the text, to cancel.',
    ...writeOnly.map((field) => `spec.${field} is write-only; omit it to keep its values.`),
  ];
  const manifest = {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(project !== undefined && { project }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec,
  };
  return `${head.map((line) => `# ${printable(line)}\n`).join('')}${await yamlText(manifest)}`;
}

/** The text without our notes: it is sent, and positions in errors refer to it. */
export function withoutRemarks(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(REMARK))
    .join('\n');
}

/** Inserts each problem above its line, and the error at the top of `text`, the sent manifest. */
export function withError(text: string, error: DaisError): string {
  const { title } = errorCatalog[error.code];
  const issues = error.issues ?? [];
  const lines = text.split('\n').map((line, index) => [...remarksAt(issues, index + 1), line].join('\n'));
  const placeless = issues.filter((issue) => issue.line === undefined).map(issueWords);
  const detail = issues.length === 0 ? [error.message] : placeless;
  const remedy = hasCatalogRemedy(error) ? [remedyFor(error.code, 'here')] : [];
  return [...[`${title}.`, ...detail, ...remedy].map(remark), ...lines].join('\n');
}

/** Adds a note about a concurrent change above the user's text. */
export function withConflict(text: string, before: Resource, now: Resource): string {
  const changes = differences(before, now);
  return [
    ...[
      `The resource changed while you were editing: revision ${before.metadata.generation} is now ${now.metadata.generation}.`,
      ...(changes.length === 0 ? ['Its spec, labels and annotations are unchanged.'] : changes),
      'Your text is below. Saving it overwrites that change.',
    ].map(remark),
    text,
  ].join('\n');
}

function remarksAt(issues: readonly Issue[], line: number): string[] {
  return issues.filter((issue) => issue.line === line).map((issue) => remark(issueWords(issue)));
}

function issueWords({ path, message, expected, nearest }: Issue): string {
  const hints = [
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    ...(nearest === undefined ? [] : [`did you mean ${nearest}?`]),
  ];
  return `${path === undefined || path === '' ? '' : `${path}: `}${message}${hints.length === 0 ? '' : ` (${hints.join('; ')})`}`;
}

function remark(text: string): string {
  return `${REMARK} ${printable(text)}`;
}

function differences(before: Resource, now: Resource): string[] {
  const old = leaves(written(before));
  const fresh = leaves(written(now));
  return [...new Set([...old.keys(), ...fresh.keys()])].toSorted().flatMap((path) => {
    const was = old.get(path);
    const is = fresh.get(path);
    return was === is ? [] : [`  ${path}: ${was ?? '(absent)'} → ${is ?? '(absent)'}`];
  });
}

function written({ spec, metadata }: Resource): Record<string, unknown> {
  return { spec, metadata: { labels: metadata.labels, annotations: metadata.annotations } };
}

/** Every scalar by its path, as JSON. */
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, JSON.stringify(value)]]);
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const below = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    return [...leaves(item, below)];
  });
  return new Map(entries);
}
