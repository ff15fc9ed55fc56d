/** Artifact locations in the format of clients, and the paths in Dais. */
import { invalid } from './mlflow-error.ts';

const ROOT = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/;

/**
 * Returns the folder of an artifact URI. Its host always means this server.
 * @throws MlflowError for artifacts outside of Dais: clients read those without the server.
 */
export function folderOf(uri: string): string {
  const path = ROOT.exec(uri)?.[1];
  if (path !== undefined) return path.replace(/\/+$/, '');
  throw invalid(
    `The artifacts are stored at ${uri.slice(0, 200)}, not in Dais. Read them from that store with its credentials.`,
  );
}

/** Whether it is a folder of a machine, to which clients write themselves. */
export function isFolder(uri: string): boolean {
  return /^file:/i.test(uri);
}

export function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

const TEXT = new Set(
  'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json jsonl ipynb csv tsv md rst py py3 js ts html htm css r sql sh env lock'.split(
    ' ',
  ),
);
const TEXT_NAMES = new Set(['MLmodel', 'MLproject', 'mlproject', 'Dockerfile']);
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  zip: 'application/zip',
};

/** By the name only, as in MLflow: text is plain text, so that no browser runs it. MLflow sends no charset. */
export function contentTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const extension = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  if (TEXT.has(extension) || TEXT_NAMES.has(name)) return 'text/plain';
  return TYPES[extension] ?? 'application/octet-stream';
}

/** `Content-Disposition` (RFC 6266): with a fallback for older clients, and the exact name. */
export function attachment(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  // The characters of a token in HTTP.
  const plain = name.replaceAll(/[^A-Za-z0-9!#$&+.^_`|~-]/g, '_');
  return plain === name
    ? `attachment; filename=${name}`
    : `attachment; filename=${plain}; filename*=UTF-8''${encoded(name)}`;
}

function encoded(name: string): string {
  return encodeURIComponent(name).replaceAll(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
