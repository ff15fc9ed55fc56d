/** The public URL of the server and its base path. */
export interface PublicAddress {
  /** Path below which a proxy serves Dais: `/ml`, or empty. Never ends with a slash. */
  readonly basePath: string;
  /** `https://example.com`, if a public URL is configured. */
  readonly origin: string | undefined;
  /** Host name of the public URL. */
  readonly host: string | undefined;
}

export function publicAddress(publicUrl: string | undefined): PublicAddress {
  if (publicUrl === undefined) return { basePath: '', origin: undefined, host: undefined };
  const url = new URL(publicUrl);
  return { basePath: url.pathname.replace(/\/+$/, ''), origin: url.origin, host: url.hostname };
}

/** Routes know no base path: a proxy may strip it or keep it, with the same result. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest === '') return '/';
  return rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : url;
}

/**
 * Maps paths below `/p/<project>`. The prefix is removed before routing, because registering each route twice would
 * cost the start 250 ms of CPU and 12 MB.
 */
export interface ProjectAddress {
  readonly project: string;
  /** The path in that project, with its query. */
  readonly url: string;
}

/** Returns undefined for other paths, and for a project that is not a valid path segment. */
export function projectAddress(url: string): ProjectAddress | undefined {
  const match = /^\/p\/([^/?]+)(\/.*)$/s.exec(url);
  const [, name = '', rest = ''] = match ?? [];
  if (match === null) return undefined;
  try {
    return { project: decodeURIComponent(name), url: rest };
  } catch {
    return undefined;
  }
}
