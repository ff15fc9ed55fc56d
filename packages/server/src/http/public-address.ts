/** How people reach the server: everything that has to know of the public URL and its base path. */
export interface PublicAddress {
  /** Path below which a proxy shows the server: `/ml`, or empty. Never ends in a slash. */
  readonly basePath: string;
  /** `https://example.com`, when a public URL is configured. */
  readonly origin: string | undefined;
  /** Host name of the public URL. */
  readonly host: string | undefined;
}

export function publicAddress(publicUrl: string | undefined): PublicAddress {
  if (publicUrl === undefined) return { basePath: '', origin: undefined, host: undefined };
  const url = new URL(publicUrl);
  return { basePath: url.pathname.replace(/\/+$/, ''), origin: url.origin, host: url.hostname };
}

/** Routes know no base path: a proxy may strip it or keep it, and both arrive at the same place. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest === '') return '/';
  return rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : url;
}
