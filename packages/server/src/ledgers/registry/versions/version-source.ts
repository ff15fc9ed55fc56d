import { DaisError } from '@dais/api';
import { stages, type ModelVersion } from '@dais/api/registry';

/** Parses the source of a version, without reading anything. */
export type ParsedSource =
  /** Relative to the artifacts of a run. */
  | { readonly of: 'run'; readonly runId: string; readonly path: string }
  | { readonly of: 'logged-model'; readonly id: string }
  | { readonly of: 'version'; readonly name: string; readonly version: number }
  | { readonly of: 'alias'; readonly name: string; readonly alias: string }
  /** The newest version of a model, or of one of its stages. */
  | { readonly of: 'newest'; readonly name: string; readonly stage?: ModelVersion['stage'] }
  /** A path or URI that this server, or its artifact store, can read: it must be inside an object of the caller. */
  | { readonly of: 'inside'; readonly uri: string }
  /** An external location that clients access directly. */
  | { readonly of: 'elsewhere'; readonly uri: string };

/** Schemes whose URIs have no host: paths on this machine. */
const LOCAL = new Set(['', 'file']);

/**
 * @param artifactRoot prefix of the URIs of artifacts that are stored in Dais
 * @throws DaisError `invalid_request` for a path that leaves its folder, or an invalid source.
 */
export function parseSource(source: string, artifactRoot: string): ParsedSource {
  const decoded = fullyDecoded(source);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase() ?? '';
  if (decoded.includes('\0') || decoded.split(/[\\/?#;]/).includes('..')) {
    throw invalidSource(source, 'leaves its folder', 'an absolute path or URI without `..`');
  }
  if (scheme === 'runs') return ofRun(source);
  if (scheme === 'models') return ofModel(source);
  const uri = source.replace(/\/+$/, '');
  if (LOCAL.has(scheme) || source.toLowerCase().startsWith(artifactRoot.toLowerCase())) {
    if (scheme === '' && !source.startsWith('/')) {
      throw invalidSource(source, 'is relative', 'an absolute path or a URI');
    }
    return { of: 'inside', uri };
  }
  return { of: 'elsewhere', uri: source };
}

function ofRun(source: string): ParsedSource {
  const match = /^runs:(?:\/|\/{3})([A-Za-z0-9][\w-]{0,255})(?:\/(.*))?$/i.exec(source);
  if (match === null) throw invalidSource(source, 'does not name a run', '`runs:/RUN/path`');
  return { of: 'run', runId: match[1] ?? '', path: (match[2] ?? '').replace(/^\/+|\/+$/g, '') };
}

function ofModel(source: string): ParsedSource {
  const path = /^models:\/([^/].*)$/i.exec(source)?.[1] ?? '';
  const alias = /^([^/:@]+)@([^/@]+)$/.exec(path);
  if (alias !== null) {
    const [, name = '', word = ''] = alias;
    return isLatest(word) ? { of: 'newest', name } : { of: 'alias', name, alias: word };
  }
  const version = /^([^/:]+)\/([1-9]\d{0,8})$/.exec(path);
  if (version !== null) return { of: 'version', name: version[1] ?? '', version: Number(version[2]) };
  const [, model = '', word = ''] = /^([^/:]+)\/([a-z]+)$/i.exec(path) ?? [];
  if (isLatest(word)) return { of: 'newest', name: model };
  const stage = stages.find((one) => one.toLowerCase() === word.toLowerCase());
  if (stage !== undefined) return { of: 'newest', name: model, stage };
  const id = /^([^/:@]+)$/.exec(path)?.[1];
  if (id !== undefined) return { of: 'logged-model', id };
  throw invalidSource(
    source,
    'does not name a model',
    '`models:/LOGGED-MODEL`, `models:/NAME/VERSION`, `models:/NAME/STAGE`, `models:/NAME@ALIAS` or `models:/NAME@latest`',
  );
}

/** No alias can have this name: it is the newest version. */
function isLatest(word: string): boolean {
  return word.toLowerCase() === 'latest';
}

/** Whether a URI is a folder or inside it. Compares normalized URIs, without doubled slashes. */
export function isInside(uri: string, folder: string): boolean {
  const inner = comparable(uri);
  const outer = comparable(folder);
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** `file:///a//b/` and `/a/b` are the same location; so are `root:/a` and `root:///a`. */
function comparable(uri: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:)?(.*)$/is.exec(uri) ?? [];
  const path = rest
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  const known = scheme.toLowerCase();
  return `${known === 'file:' ? '' : known}/${path}`;
}

/** Several rounds of escapes can hide `..`. A malformed escape is text. */
function fullyDecoded(text: string): string {
  let decoded = text;
  // Each round shortens the text: at most a third as many rounds as characters, usually two or three.
  for (let hasChanged = true; hasChanged;) {
    const next = decoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    hasChanged = next !== decoded;
    decoded = next;
  }
  return decoded;
}

export function invalidSource(source: string, message: string, expected: string): DaisError {
  const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
  return new DaisError('invalid_request', `The source "${shown}" ${message}.`, {
    issues: [{ path: 'source', message, expected }],
  });
}
