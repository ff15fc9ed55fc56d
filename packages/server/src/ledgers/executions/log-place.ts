/** Places in the output of a step, as clients hold them. */
import { DaisError } from '@dais/api';

export interface LogPlace {
  readonly attempt: string;
  /** Bytes that were given out: the place in what is kept after the end. */
  readonly given: number;
  /** The engine's own word for it, while the step runs; '' at the beginning. */
  readonly engine: string;
  /** Hex of the beginning of a character whose rest had not come. */
  readonly pending: string;
}

const SHOWN = /^([0-9a-f-]{36})\.(\d{1,15})\.((?:[0-9a-f]{2}){0,3})\.([\x21-\x7e]{0,200})$/;

export function showPlace({ attempt, given, engine, pending }: LogPlace): string {
  return `${attempt}.${given}.${pending}.${engine}`;
}

/** Undefined: the beginning. @throws DaisError `invalid_cursor` */
export function readPlace(text: string | undefined): LogPlace | undefined {
  if (text === undefined || text === '') return undefined;
  const match = SHOWN.exec(text);
  if (match === null) throw new DaisError('invalid_cursor', 'The cursor was given out by something else.');
  const [, attempt = '', given = '', pending = '', engine = ''] = match;
  return { attempt, given: Number(given), pending, engine };
}

/** UTF-8 that may end within a character: the rest is kept back, unless nothing follows. */
export function decodeLog(pending: string, bytes: Buffer, last: boolean): { text: string; pending: string } {
  const all = Buffer.concat([Buffer.from(pending, 'hex'), bytes]);
  const cut = last ? all.length : all.length - unfinished(all);
  return { text: all.subarray(0, cut).toString('utf8'), pending: all.subarray(cut).toString('hex') };
}

/** How many bytes at the end begin a character and do not finish it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
