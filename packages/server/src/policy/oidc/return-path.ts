/**
 * Where a browser goes after it signed in: a path of this server, or `/` for anything else. Whatever a browser could read
 * as another host is refused: `//host`, `/\host`, control characters that it drops (`/\t/host`), schemes.
 */
export function returnPath(next: string | undefined): string {
  if (next === undefined || next.length > 2048) return '/';
  if (!next.startsWith('/') || /^\/[/\\]/.test(next) || /[\u0000-\u0020\u007f-\u009f\\]/.test(next)) return '/';
  const base = 'http://dais.invalid';
  const url = URL.canParse(next, base) ? new URL(next, base) : undefined;
  // `/..//host` is a path of this server until it has been resolved.
  if (url?.origin !== base || url.pathname.startsWith('//')) return '/';
  // What signs in or out is no place to come back to.
  return url.pathname.startsWith('/auth/') ? '/' : `${url.pathname}${url.search}${url.hash}`;
}
