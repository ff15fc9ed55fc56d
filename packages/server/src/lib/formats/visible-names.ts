/** A list of names in one header, compressed: a thousand names fit into a few KiB. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Names that the response may contain; the control plane sends them to a gateway, which sees no others. */
export const VISIBLE_HEADER = 'dais-visible';

/** What one header may become: a thousand names of 63 characters are 64 kB. */
const MOST_BYTES = 256 * 1024;

export function encodeVisible(names: readonly string[]): string {
  return deflateRawSync(names.join('\n')).toString('base64url');
}

/** @throws Error for a text that `encodeVisible` did not make. */
export function decodeVisible(text: string): ReadonlySet<string> {
  const names = inflateRawSync(Buffer.from(text, 'base64url'), { maxOutputLength: MOST_BYTES }).toString('utf8');
  return new Set(names === '' ? [] : names.split('\n'));
}
