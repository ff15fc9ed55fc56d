/**
 * The format of an exported database: a stream of frames, each with a letter, a length (32 bits, big endian) and content.
 *
 *   DAISDB1\n H (T D… E)… Z
 *
 * H: header (JSON). T: start of a table (JSON). D: a chunk of its rows in the text format of COPY. E: end of the table (JSON:
 * rows, bytes, SHA-256 of the chunks). Z: end (JSON: tables, rows, SHA-256 of every byte before this frame). Every version of
 * PostgreSQL on every machine reads the text format. Without Z the file is incomplete.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DaisError } from '@dais/api/errors';

export const ARCHIVE_FORMAT = 1;
const MAGIC = Buffer.from('DAISDB1\n');
const FRAME_HEAD = 5;
/** Maximum size of a written frame; a damaged length must not make the reader wait for gigabytes. */
const MAX_FRAME_BYTES = 16 << 20;

const partition = z.object({
  /** Schema and name of the partitioned parent table. */
  parent: z.tuple([z.string(), z.string()]),
  bound: z.string(),
  /** Set when it has partitions itself. */
  key: z.string().nullable(),
  protected: z.boolean(),
  /** Privileges of the application role on it. */
  privileges: z.string(),
});

const header = z.object({
  format: z.literal(ARCHIVE_FORMAT),
  programVersion: z.string(),
  serverVersion: z.number(),
  createdAt: z.string(),
  slices: z.array(
    z.object({ schema: z.string(), migrations: z.array(z.object({ id: z.string(), checksum: z.string() })) }),
  ),
  /** Tables with rows, in the order of the archive. */
  tables: z.array(z.object({ schema: z.string(), name: z.string(), columns: z.array(z.string()) })),
  /** Parents before their partitions. */
  partitions: z.array(z.object({ schema: z.string(), name: z.string(), ...partition.shape })),
  /** int8 as text. */
  sequences: z.array(z.object({ schema: z.string(), name: z.string(), last: z.string(), called: z.boolean() })),
});

const tableBegin = z.object({ schema: z.string(), name: z.string() });
const tableEnd = z.object({ rows: z.number(), bytes: z.number(), sha256: z.string() });
const archiveEnd = z.object({ tables: z.number(), rows: z.number(), sha256: z.string() });

export type ArchiveHeader = z.infer<typeof header>;
export type TableBegin = z.infer<typeof tableBegin>;
export type TableEnd = z.infer<typeof tableEnd>;
export type ArchiveEnd = z.infer<typeof archiveEnd>;

/** Creates frames and computes their digest. */
export class FrameWriter {
  readonly #digest = createHash('sha256');
  #begun = false;

  frame(type: 'H' | 'T' | 'D' | 'E' | 'Z', content: Buffer | object): Buffer {
    const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const head = Buffer.alloc(FRAME_HEAD);
    head.write(type, 0, 'latin1');
    head.writeUInt32BE(body.length, 1);
    const frame = this.#begun ? Buffer.concat([head, body]) : Buffer.concat([MAGIC, head, body]);
    this.#begun = true;
    this.#digest.update(frame);
    return frame;
  }

  /** SHA-256 of everything so far. */
  digest(): string {
    return this.#digest.copy().digest('hex');
  }
}

/**
 * Reads an archive in order. Everything it returns is well-formed; the digests are verified when `end` has returned.
 * @throws DaisError `backup_invalid` from every method, with the error and its position.
 */
export class ArchiveReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #digest = createHash('sha256');
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  #tables = 0;
  #rows = 0;
  #next: { readonly type: string; readonly body: Buffer; readonly digestBefore: string } | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async header(): Promise<ArchiveHeader> {
    const magic = await this.#take(MAGIC.length);
    if (!magic.equals(MAGIC)) throw this.#damaged('it is not an export of a Dais database');
    this.#digest.update(magic);
    const body = await this.#expect('H');
    const format = z.object({ format: z.number() }).safeParse(body);
    if (format.success && format.data.format > ARCHIVE_FORMAT) {
      throw new DaisError(
        'backup_invalid',
        `The export has format ${format.data.format}; this version of Dais reads formats up to ${ARCHIVE_FORMAT}. Import it with a newer version of Dais.`,
      );
    }
    return this.#parse(header, body);
  }

  /** Returns the next table, or undefined at the end. */
  async table(): Promise<TableBegin | undefined> {
    return (await this.#peek()).type === 'Z' ? undefined : this.#parse(tableBegin, await this.#expect('T'));
  }

  /** Yields the rows of the table that `table` returned, and passes its verified end to `checked`. */
  async *rows(checked: (end: TableEnd) => void): AsyncGenerator<Buffer> {
    const digest = createHash('sha256');
    let bytes = 0;
    while ((await this.#peek()).type === 'D') {
      const { body } = await this.#shift();
      digest.update(body);
      bytes += body.length;
      yield body;
    }
    const end = this.#parse(tableEnd, await this.#expect('E'));
    if (end.bytes !== bytes || end.sha256 !== digest.digest('hex'))
      throw this.#damaged('its rows differ from the exported rows');
    this.#tables += 1;
    this.#rows += end.rows;
    checked(end);
  }

  async end(): Promise<ArchiveEnd> {
    const { digestBefore } = await this.#peek();
    const end = this.#parse(archiveEnd, await this.#expect('Z'));
    if (end.sha256 !== digestBefore || end.tables !== this.#tables || end.rows !== this.#rows) {
      throw this.#damaged('its checksum does not match');
    }
    if (this.#buffer.length > 0 || (await this.#pull())) throw this.#damaged('it has data after its end');
    return end;
  }

  async #expect(type: string): Promise<unknown> {
    const frame = await this.#shift();
    if (frame.type !== type) throw this.#damaged(`a frame of type "${type}" is missing`);
    try {
      return JSON.parse(frame.body.toString('utf8'));
    } catch {
      throw this.#damaged('a frame cannot be read');
    }
  }

  async #peek(): Promise<{ readonly type: string; readonly body: Buffer; readonly digestBefore: string }> {
    this.#next ??= await this.#read();
    return this.#next;
  }

  async #shift(): Promise<{ readonly type: string; readonly body: Buffer }> {
    const frame = await this.#peek();
    this.#next = undefined;
    return frame;
  }

  async #read(): Promise<{ type: string; body: Buffer; digestBefore: string }> {
    const head = await this.#take(FRAME_HEAD);
    const type = head.toString('latin1', 0, 1);
    const length = head.readUInt32BE(1);
    if (!'HTDEZ'.includes(type) || length > MAX_FRAME_BYTES) throw this.#damaged('a frame cannot be read');
    const digestBefore = type === 'Z' ? this.#digest.copy().digest('hex') : '';
    const body = await this.#take(length);
    this.#digest.update(head).update(body);
    return { type, body, digestBefore };
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      if (!(await this.#pull())) throw this.#damaged('it is truncated');
    }
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    this.#position += length;
    return taken;
  }

  /** Returns false at the end of the source. */
  async #pull(): Promise<boolean> {
    let result: IteratorResult<Uint8Array>;
    try {
      result = await this.#chunks.next();
    } catch (error) {
      throw new DaisError('backup_invalid', `The export cannot be read: ${String(error)}`, { cause: error });
    }
    if (result.done === true) return false;
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(result.value) : Buffer.concat([this.#buffer, result.value]);
    return true;
  }

  #parse<Value>(schema: z.ZodType<Value>, value: unknown): Value {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw this.#damaged(`a frame is invalid: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  }

  #damaged(what: string): DaisError {
    return new DaisError('backup_invalid', `The export is damaged at byte ${this.#position}: ${what}.`);
  }
}
