/**
 * What a restarted agent needs to continue, in a folder that the command cannot read: it contains the secret of the shim, the
 * session and the variables of the command. The pod ends with its node, so nothing is synced to the disk.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  appendFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TaskEnd } from '../../contract.ts';
import { errnoOf } from '../../file-errors.ts';
import type { AgentOrder, AgentOutput } from '../agent-api.ts';
import type { CommandResult } from './command-result.ts';
import type { MaskerState } from './secret-masker.ts';

/** Why the agent ends the command, and since when. */
export interface StopMark {
  readonly end: Exclude<TaskEnd, 'exit'>;
  /** For the owner of the task. */
  readonly detail?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * `ordered`: the shim may have received the command. `over`: the end is stored, or nobody wants it; the shim may still wait
 * for its end.
 */
export type JournalPhase = 'staging' | 'ordered' | 'running' | 'collecting' | 'over';

export interface JournalRecord {
  readonly phase: JournalPhase;
  readonly session?: string;
  /** Proves the identity of the shim. */
  readonly secret?: string;
  readonly startedAt?: number;
  /** The first reason stays. */
  readonly mark?: StopMark;
  /** The container was stopped from outside at this time. */
  readonly stoppedAt?: number;
  readonly result?: CommandResult;
  /** Exit code of the agent. */
  readonly exitCode?: number;
}

/** Positions of the output. */
export interface LogProgress extends MaskerState {
  /** Bytes of the shim that are in the log, or masked. */
  readonly received: number;
  /** Bytes of the masked log. */
  readonly logged: number;
  /** Bytes of the masked log that Dais has. */
  readonly sent: number;
}

const NO_PROGRESS: LogProgress = { received: 0, logged: 0, sent: 0, covered: 0, isInside: false };
/** Four positions below 2^53, a flag and a line end fit. */
const PROGRESS_BYTES = 80;

export class Journal {
  readonly #folder: string;
  #record: JournalRecord | undefined;
  #order: AgentOrder | undefined;
  #progress: LogProgress;
  readonly #progressFile: number;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#record = this.#readJson('journal.json') as JournalRecord | undefined;
    this.#order = this.#readJson('order.json') as AgentOrder | undefined;
    this.#progressFile = openSync(this.#path('progress'), 'a+', 0o600);
    closeSync(this.#progressFile);
    this.#progressFile = openSync(this.#path('progress'), 'r+');
    this.#progress = this.#readProgress();
  }

  /** Undefined when no order has arrived. */
  get record(): JournalRecord | undefined {
    return this.#record;
  }

  get order(): AgentOrder | undefined {
    return this.#order;
  }

  get progress(): LogProgress {
    return this.#progress;
  }

  /** Keeps the order before the record, which refers to it. */
  begin(session: string, order: AgentOrder): void {
    this.#replace('order.json', JSON.stringify(order));
    this.#order = order;
    this.write({ phase: 'staging', session });
  }

  write(changes: Partial<JournalRecord>): void {
    const record = { phase: 'staging' as const, ...this.#record, ...changes };
    this.#replace('journal.json', JSON.stringify(record));
    this.#record = record;
  }

  /** Overwrites one short record in place: a signal does not interrupt such a write. */
  writeProgress(changes: Partial<LogProgress>): void {
    const next = { ...this.#progress, ...changes };
    const line = [next.received, next.logged, next.sent, next.covered, next.isInside ? 1 : 0].join(' ');
    writeSync(this.#progressFile, `${line.padEnd(PROGRESS_BYTES - 1)}\n`, 0);
    this.#progress = next;
  }

  /** Outputs that Dais has. */
  sentOutputs(): AgentOutput[] {
    const text = this.#read('outputs.jsonl') ?? '';
    // The last line may be incomplete.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter(Boolean).map((line) => JSON.parse(line) as AgentOutput);
  }

  addSentOutput(output: AgentOutput): void {
    appendFileSync(this.#path('outputs.jsonl'), `${JSON.stringify(output)}\n`, { mode: 0o600 });
  }

  close(): void {
    closeSync(this.#progressFile);
  }

  #readProgress(): LogProgress {
    const buffer = Buffer.alloc(PROGRESS_BYTES);
    const size = readSync(this.#progressFile, buffer, 0, PROGRESS_BYTES, 0);
    if (size < PROGRESS_BYTES) return NO_PROGRESS;
    const [received = 0, logged = 0, sent = 0, covered = 0, inside = 0] = buffer
      .toString('latin1')
      .trim()
      .split(' ')
      .map(Number);
    return { received, logged, sent, covered, isInside: inside === 1 };
  }

  #replace(name: string, text: string): void {
    writeFileSync(this.#path(`${name}.new`), text, { mode: 0o600 });
    renameSync(this.#path(`${name}.new`), this.#path(name));
  }

  #readJson(name: string): unknown {
    const text = this.#read(name);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(this.#path(name), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
