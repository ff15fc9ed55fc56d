/** Reads the first record of a CSV: the column names. */
import type { TextEncoding } from '../../contract.ts';

export interface HeaderDialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly skip: number;
}

/** Returns undefined when the record does not end within `start`, unless that is the whole file. */
export function firstRecord(
  start: Buffer,
  encoding: TextEncoding,
  dialect: HeaderDialect,
  whole: boolean,
): readonly string[] | undefined {
  const content = decoded(start, encoding);
  let at = skipLines(content, dialect.skip);
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  let begun = false;
  for (; at < content.length; at++) {
    const sign = content[at] ?? '';
    if (quoted) {
      if (sign === dialect.escape && content[at + 1] === dialect.quote && dialect.escape !== '') {
        field += dialect.quote;
        at += 1;
      } else if (sign === dialect.quote) quoted = false;
      else field += sign;
    } else if (!begun && sign === dialect.quote && dialect.quote !== '') {
      quoted = true;
      begun = true;
    } else if (sign === dialect.delimiter) {
      fields.push(field);
      field = '';
      begun = false;
    } else if (sign === '\n' || sign === '\r') {
      return [...fields, field];
    } else {
      field += sign;
      begun = true;
    }
  }
  return whole && !quoted ? [...fields, field] : undefined;
}

function decoded(start: Buffer, encoding: TextEncoding): string {
  if (encoding === 'latin-1') return start.toString('latin1');
  const bigEndian = encoding === 'utf-16' && start[0] === 0xfe;
  const label = encoding === 'utf-8' ? 'utf-8' : bigEndian ? 'utf-16be' : 'utf-16le';
  return new TextDecoder(label).decode(start);
}

function skipLines(content: string, count: number): number {
  let at = 0;
  for (let n = 0; n < count; n++) {
    const next = content.indexOf('\n', at);
    if (next < 0) return content.length;
    at = next + 1;
  }
  return at;
}
