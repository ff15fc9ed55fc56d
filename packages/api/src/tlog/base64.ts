/** Base64 (RFC 4648 §4) without Node and without a DOM, for hashes and signatures: short texts, strictly read. */

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const letters = [18, 12, 6, 0].map((shift) => LETTERS[(word >> shift) & 63] ?? '');
    const padding = Math.max(0, at + 3 - bytes.length);
    text += letters.slice(0, 4 - padding).join('') + '='.repeat(padding);
  }
  return text;
}

/** Undefined when the text is not canonical base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  const match = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text);
  if (match === null || text.length % 4 !== 0) return undefined;
  const letters = match[1] ?? '';
  const bytes = new Uint8Array((text.length / 4) * 3 - (match[2] ?? '').length);
  let word = 0;
  let written = 0;
  for (let at = 0; at < letters.length; at++) {
    word = ((word << 6) | LETTERS.indexOf(letters[at] ?? '')) & 0xff_ffff;
    // 6, 12, 18, 24 bits are read: a byte is complete after the second, third and fourth letter of each four.
    if (at % 4 > 0) bytes[written++] = (word >> (6 - 2 * (at % 4))) & 255;
  }
  return toBase64(bytes) === text ? bytes : undefined;
}
