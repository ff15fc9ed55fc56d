/** `Bearer TOKEN`, or `Basic` with the token as password, which is what a browser's own prompt sends. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const match = /^(bearer|basic) +(\S+)$/i.exec(authorization ?? '');
  if (match === null) return undefined;
  if (match[1]?.toLowerCase() === 'bearer') return match[2];
  const pair = Buffer.from(match[2] ?? '', 'base64').toString('utf8');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}
