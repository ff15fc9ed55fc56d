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
