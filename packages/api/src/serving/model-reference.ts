/** Model references of endpoints. */
import { z } from 'zod';

export const servedModelReference = z
  .string()
  .min(8)
  .max(1024)
  .describe('`models:/flights@champion`, `models:/flights/7`, `runs:/RUN/model`, or `remote:/SERVER/MODEL`.');

export type ServedModelName =
  | { readonly of: 'alias'; readonly name: string; readonly alias: string }
  | { readonly of: 'version'; readonly name: string; readonly version: number }
  | { readonly of: 'run'; readonly runId: string; readonly path: string }
  /** `server`: a name of `spec.servers`. Without a version, the server chooses one. */
  | { readonly of: 'remote'; readonly server: string; readonly model: string; readonly version?: string };

/** The model of a reference, or the problem of its text. */
export function parseServedModel(
  text: string,
): ServedModelName | { readonly message: string; readonly expected: string } {
  const alias = /^models:\/([^/:@]+)@([A-Za-z0-9_-]{1,255})$/.exec(text);
  if (alias !== null) return { of: 'alias', name: alias[1] ?? '', alias: alias[2] ?? '' };
  const version = /^models:\/([^/:@]+)\/([1-9]\d{0,8})$/.exec(text);
  if (version !== null) return { of: 'version', name: version[1] ?? '', version: Number(version[2]) };
  const run = /^runs:\/([A-Za-z0-9][\w-]{0,255})\/([^/].*)$/.exec(text);
  if (run !== null && !(run[2] ?? '').split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return { of: 'run', runId: run[1] ?? '', path: run[2] ?? '' };
  }
  const remote = /^remote:\/([a-z0-9][a-z0-9-]*)\/([^/\s?#%]{1,256})(?:\/([^/\s?#%]{1,64}))?$/.exec(text);
  if (remote !== null && !remote.slice(2).some((part) => part === '.' || part === '..')) {
    const [, server = '', model = '', ofServer] = remote;
    return { of: 'remote', server, model, ...(ofServer !== undefined && { version: ofServer }) };
  }
  // Operations are probed without an input: `exec` accepts undefined, `startsWith` does not exist on it.
  if (/^remote:/.exec(text) !== null) {
    return { message: `is "${text}"`, expected: '`remote:/SERVER/MODEL` or `remote:/SERVER/MODEL/VERSION`' };
  }
  const bare = /^models:\/([^/:@]+)$/.exec(text)?.[1];
  const expected = `\`models:/${bare ?? 'NAME'}@ALIAS\`, \`models:/${bare ?? 'NAME'}/7\` or \`runs:/RUN/path\``;
  return { message: bare === undefined ? `is "${text}"` : 'names no version', expected };
}
