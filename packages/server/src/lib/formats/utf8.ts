/** Detects invalid UTF-8 in input: a replacement with U+FFFD would store text that no client sent. */
import { isUtf8 } from 'node:buffer';

/** Returns the offset of the first byte that is not valid UTF-8; undefined when all bytes are valid. */
export function invalidUtf8At(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  let low = 0;
  let high = bytes.length;
  // A prefix is valid up to the invalid byte, except for a character that the cut splits.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isUtf8(wholeCharacters(bytes, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

function wholeCharacters(bytes: Buffer, end: number): Buffer {
  let cut = end;
  while (cut > 0 && cut < bytes.length && ((bytes[cut] ?? 0) & 0xc0) === 0x80 && end - cut < 4) cut--;
  return bytes.subarray(0, cut);
}
