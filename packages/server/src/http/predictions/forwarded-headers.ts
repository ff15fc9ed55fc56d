import { VISIBLE_HEADER } from '#lib/formats/visible-names.ts';

/** Headers that the gateway does not get from a client: hop-by-hop ones (RFC 9110 §7.6.1), and those that Dais sets. */
export const HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'cookie',
  'expect',
  'dais-on-behalf-of',
  VISIBLE_HEADER,
]);
