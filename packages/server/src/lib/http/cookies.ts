/** Cookies as RFC 6265bis writes them, for values that need no quoting. */

export interface CookieAttributes {
  readonly name: string;
  /** Absent: the browser forgets it. */
  readonly value?: string | undefined;
  readonly maxAgeSeconds: number;
}

/**
 * `__Host-`: the browser accepts it over HTTPS only, for this host only and for all paths, so that no neighboring
 * domain can replace it. Plain HTTP (loopback, tests) has no prefix.
 */
export function cookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

/** The value of Set-Cookie. HttpOnly: no script reads it. SameSite=Lax: no page of another site sends it along a write. */
export function cookieText({ name, value, maxAgeSeconds }: CookieAttributes, secure: boolean): string {
  const age = value === undefined ? 0 : maxAgeSeconds;
  return `${cookieName(name, secure)}=${value ?? ''}; Max-Age=${age}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}

/** Returns the value of a cookie; undefined if a header contains it twice, because one of them could be planted. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined || !header.includes(name)) return undefined;
  let found: string | undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    if (found !== undefined) return undefined;
    found = pair.slice(equals + 1).trim();
  }
  return found;
}
