/** Positions in the log of a step, encoded as cursors. */
import { DaisError } from '@dais/api';

export interface LogPosition {
  readonly attempt: string;
  /** Bytes that were returned: the offset in the stored log after the step has ended. */
  readonly given: number;
  /** Position of the engine while the step runs; '' at the start. */
  readonly engine: string;
  /** Hex of the first bytes of an incomplete UTF-8 character. */
  readonly pending: string;
}

const SHOWN = /^([0-9a-f-]{36})\.(\d{1,15})\.((?:[0-9a-f]{2}){0,3})\.([\x21-\x7e]{0,200})$/;

export function formatLogPosition({ attempt, given, engine, pending }: LogPosition): string {
  return `${attempt}.${given}.${pending}.${engine}`;
}

/** Parses a position. Undefined: the start of the log. @throws DaisError `invalid_cursor` */
export function parseLogPosition(text: string | undefined): LogPosition | undefined {
  if (text === undefined || text === '') return undefined;
  const match = SHOWN.exec(text);
  if (match === null)
    throw new DaisError('invalid_cursor', 'The cursor is not a position in this log. Start again without a cursor.');
  const [, attempt = '', given = '', pending = '', engine = ''] = match;
  return { attempt, given: Number(given), pending, engine };
}

/** Decodes UTF-8 that may end within a character. The incomplete bytes stay pending, unless nothing follows. */
export function decodeLog(pending: string, bytes: Buffer, last: boolean): { text: string; pending: string } {
  const all = Buffer.concat([Buffer.from(pending, 'hex'), bytes]);
  const cut = last ? all.length : all.length - unfinished(all);
  return { text: all.subarray(0, cut).toString('utf8'), pending: all.subarray(cut).toString('hex') };
}

/** Returns the number of bytes at the end that start a character and do not complete it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
