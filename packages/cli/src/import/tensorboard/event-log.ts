/** The events of one run in the order in which they were written, with what could not be read. */
import { FileReader, type LogFile } from '../run-logs/log-file.ts';
import { MalformedMessage } from '../run-logs/proto-reader.ts';
import { readEvent, type Event } from './event.ts';
import { readTfRecords } from './tfrecord.ts';

export interface LoggedEvent extends Event {
  readonly file: LogFile;
  /** Position of its record. */
  readonly at: number;
  /** Number of the event in the run. */
  readonly order: number;
}

export interface FileDamage {
  /** Records with damaged content; the position of the first. */
  damaged: number;
  firstAt: number;
  tooLarge: number;
  /** Bytes after a damaged length. */
  lost: number;
  lostAt: number;
  /** Bytes of a record that is not complete. */
  incomplete: number;
}

export class EventLog {
  readonly #files: readonly LogFile[];
  readonly #progress: (bytes: number) => void;
  readonly damage = new Map<string, FileDamage>();
  records = 0;

  constructor(files: readonly LogFile[], progress: (bytes: number) => void) {
    // TensorBoard reads them in this order too: names contain the time.
    this.#files = files;
    this.#progress = progress;
  }

  async *read(): AsyncGenerator<LoggedEvent> {
    this.damage.clear();
    this.records = 0;
    let before = 0;
    let order = 0;
    for (const file of this.#files) {
      const reader = await FileReader.open(file);
      try {
        for await (const record of readTfRecords(reader)) {
          if (record.kind !== 'record') {
            this.#note(file, record);
            continue;
          }
          const event = eventOf(record.data);
          if (event === undefined) {
            this.#note(file, { kind: 'damaged', at: record.at, length: record.data.length });
            continue;
          }
          this.records += 1;
          yield { ...event, file, at: record.at, order: order++ };
          this.#progress(before + reader.position);
        }
      } finally {
        await reader.close();
      }
      before += file.size;
    }
  }

  #note(
    { path }: LogFile,
    { kind, at, length }: { readonly kind: string; readonly at: number; readonly length: number },
  ): void {
    let damage = this.damage.get(path);
    if (damage === undefined) {
      damage = { damaged: 0, firstAt: at, tooLarge: 0, lost: 0, lostAt: 0, incomplete: 0 };
      this.damage.set(path, damage);
    }
    if (kind === 'incomplete') damage.incomplete = length;
    else if (kind === 'too large') damage.tooLarge += 1;
    else if (kind === 'lost') [damage.lost, damage.lostAt] = [length, at];
    else {
      if (damage.damaged === 0) damage.firstAt = at;
      damage.damaged += 1;
    }
  }
}

function eventOf(data: Buffer): Event | undefined {
  try {
    return readEvent(data);
  } catch (error) {
    if (error instanceof MalformedMessage || error instanceof RangeError) return undefined;
    throw error;
  }
}
