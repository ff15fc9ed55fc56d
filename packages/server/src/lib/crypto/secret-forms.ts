/** Forms in which a secret value shows up in the output of programs. */

/** Shorter values (in bytes) are not searched: they would mask ordinary words and numbers. */
const SHORTEST_SECRET = 6;
/** For values with more lines, each line is searched literally, in no other form. */
const MOST_LINES = 64;
/** Columns at which `base64` and PEM break lines. */
const BASE64_COLUMNS = [76, 64];

/**
 * Returns the texts to mask so that none of these values can be read: each value and each of its lines literally, in
 * base64 (at each of the three alignments, both alphabets, with the usual line breaks), URL-encoded, escaped as in
 * JSON, Python and shells, and in hexadecimal. Without duplicates, the longest first.
 */
export function secretForms(values: Iterable<string>): readonly Buffer[] {
  const found = new Map<string, Buffer>();
  const add = (form: Buffer) => {
    if (form.length >= SHORTEST_SECRET) found.set(form.toString('latin1'), form);
  };
  for (const value of values) {
    const lines = linesOf(value);
    for (const text of new Set([value, value.trim(), ...(lines.length > MOST_LINES ? [] : lines)])) {
      // Of a short text the encoded forms are long enough, and as common as the text.
      if (Buffer.byteLength(text) >= SHORTEST_SECRET) for (const form of formsOf(text)) add(form);
    }
    for (const line of lines) add(Buffer.from(line));
  }
  return [...found.values()].toSorted((one, other) => other.length - one.length);
}

function linesOf(value: string): readonly string[] {
  const lines = value.split(/\r\n|\r|\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines;
}

function formsOf(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const texts = [...urlForms(text), ...escapedForms(text), hex, hex.toUpperCase()];
  return [bytes, ...texts.map((form) => Buffer.from(form)), ...base64Forms(bytes)];
}

/** The encodings of JavaScript, Python's `quote` (which keeps `/`) and forms; each also with lowercase digits. */
function urlForms(text: string): readonly string[] {
  const whole = encodeURIComponent(text.toWellFormed());
  const strict = whole.replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return [whole, strict]
    .flatMap((form) => [form, form.replaceAll('%2F', '/')])
    .flatMap((form) => [form, form.replaceAll('%20', '+')])
    .flatMap((form) => [form, form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

function escapedForms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [
    json,
    ascii,
    json.replaceAll('/', '\\/'),
    // Encoded twice, as for JSON in JSON.
    JSON.stringify(json).slice(1, -1),
    // Python's repr(), which chooses its quotes.
    json.replaceAll('\\"', '"'),
    json.replaceAll('\\"', '"').replaceAll("'", "\\'"),
    // Shells, as `set -x` and `%q` show it.
    text.replaceAll("'", `'\\''`),
    text.replaceAll(/[^\w@%+=:,./-]/g, (c) => `\\${c}`),
  ];
}

/** The characters of its base64 that do not depend on adjacent bytes. */
function base64Forms(bytes: Buffer): readonly Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const from = Math.ceil((before * 8) / 6);
    const fixed = encoded.slice(from, Math.floor(((before + bytes.length) * 8) / 6));
    // Line breaks are predictable only where the value is at the start: preceding bytes shift the breaks.
    const broken = before > 0 ? [] : BASE64_COLUMNS.flatMap((columns) => pieces(fixed, columns));
    return [fixed, ...broken].flatMap((form) => [
      Buffer.from(form),
      Buffer.from(form.replaceAll('+', '-').replaceAll('/', '_')),
    ]);
  });
}

function pieces(text: string, columns: number): readonly string[] {
  if (text.length <= columns) return [];
  return Array.from({ length: Math.ceil(text.length / columns) }, (_, n) => text.slice(n * columns, (n + 1) * columns));
}
