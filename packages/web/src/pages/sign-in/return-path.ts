/** Where a user goes after signing in. */

const HERE = 'http://dais.invalid';

/** Pages that themselves lead to signing in. */
const OUTSIDE = /^\/(auth|sign-in|invitation)(\/|$)/;

/**
 * Returns a path of this console, or of its home page for anything else: anyone can put a path into a link, and it must
 * not lead to another host (`//host`, `/\host`, control characters that browsers remove).
 */
export function returnPath(next: string | undefined): string {
  if (next === undefined || next.length > 2048 || !next.startsWith('/')) return '/';
  if (/^\/[/\\]/.test(next) || /[\u0000-\u0020\u007f-\u009f\\]/.test(next)) return '/';
  const url = URL.canParse(next, HERE) ? new URL(next, HERE) : undefined;
  if (url?.origin !== HERE || url.pathname.startsWith('//') || OUTSIDE.test(url.pathname)) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}

/** Whether the page is for viewers who have not signed in. */
export function isOutside(path: string): boolean {
  return OUTSIDE.test(path);
}
