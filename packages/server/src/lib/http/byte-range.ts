/** One range of bytes, as `Range: bytes=…` names it (RFC 9110 §14). */
export interface ByteSpan {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * The span that a header names of content of `size` bytes. Undefined: the whole, also for what is no range of bytes, for
 * several ranges and for units that are not known: a server may always answer with all of it. `outside`: 416.
 */
export function byteSpan(header: string | undefined, size: number): ByteSpan | 'outside' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '');
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'outside' : { start: size - length, end: size - 1 };
  }
  const start = Number(from);
  if (to !== '' && Number(to) < start) return undefined;
  if (start >= size) return 'outside';
  return { start, end: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}
