/** The preview of a file, by its name. Pure functions. */

export type PreviewKind = 'image' | 'table' | 'json' | 'page' | 'text' | 'none';

/** Scripts in an SVG that is shown as an image do not run. */
export const IMAGE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  svg: 'image/svg+xml',
};

const TEXT = new Set(
  'txt log md yaml yml py r js ts sh toml ini cfg conf xml sql lock env rst tex diff patch mlmodel mlproject'.split(
    ' ',
  ),
);
/** Files without an extension that are known to be text. */
const NAMED = new Set(['mlmodel', 'mlproject', 'dockerfile', 'makefile', 'license', 'readme']);

export function endingOf(name: string): string {
  const file = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const dot = file.lastIndexOf('.');
  return dot < 0 ? '' : file.slice(dot + 1);
}

export function previewKind(name: string): PreviewKind {
  const ending = endingOf(name);
  if (ending in IMAGE_TYPES) return 'image';
  if (ending === 'csv' || ending === 'tsv') return 'table';
  if (ending === 'json' || ending === 'geojson' || ending === 'ipynb') return 'json';
  if (ending === 'html' || ending === 'htm') return 'page';
  const file = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return TEXT.has(ending) || ending === 'jsonl' || NAMED.has(file) ? 'text' : 'none';
}

/** Returns the server path of a run's artifacts; undefined: they are stored elsewhere. */
export function artifactRoot(uri: string): string | undefined {
  return /^mlflow-artifacts:\/+(?<path>[^?#]+)$/.exec(uri)?.groups?.['path'];
}
