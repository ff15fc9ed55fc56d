/**
 * The files of one attempt: some are written by the engine, some by the shim. `result.json` is the final result.
 *
 * They have a few bytes each: synchronous reads and writes cost less than a thread. Permanent files are synced, and only the
 * sync uses a thread: a file cost 0.6 ms of CPU with handles of `fs/promises`, and costs 0.3 ms this way.
 */
import {
  closeSync,
  constants,
  fsync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { chmod, chown, mkdir, open, readdir, rm, utimes, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Boundary } from '#engines/isolation/contract.ts';
import type { Isolation, Resources, TaskEnd, TaskLimits, TaskOutput, TaskState } from '../contract.ts';
import { errnoOf } from '../file-errors.ts';
import { CONTINUE_LINE } from './shim/shim.ts';

/** The spec without variables, which are in `env` until the command has read them. */
export interface TaskRecord {
  readonly attempt: string;
  /** Absent in records of earlier versions. */
  readonly owner?: string;
  /** Tasks start in this order. */
  readonly order: number;
  readonly command: readonly string[];
  readonly outputs: readonly TaskOutput[];
  readonly resources: Resources;
  readonly limits: TaskLimits;
  readonly isolation: Isolation;
  /** Its boundary, which is known before the start because its variables contain its folders. */
  readonly boundary: Boundary;
  readonly network: boolean;
  readonly environmentFolders: readonly string[];
  /** The root file system that replaces the programs of the machine. */
  readonly root?: string;
}

/** Why a task is being stopped, and since when. */
export interface StopMark {
  readonly end: Exclude<TaskEnd, 'exit'>;
  /** Why, for the owner of the task. */
  readonly detail?: string;
  readonly at: number;
}

/** How a command ended, by the shim. */
export interface ShimEnd {
  readonly code: number;
  readonly signalled: boolean;
  /** CPU time of the command and of the children that it waited for. */
  readonly cpuMs: number;
  readonly at: number;
}

/** Identifies the shim. */
export interface ShimIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly at: number;
}

const synced = promisify(fsync);

/** One block for each small file that a start writes: those of the shim, the names of control groups, the first log segment. */
const SPARE = Buffer.alloc(8 * 4096);

/** Folders that belong to the task. */
const BOXES = ['box/work', 'box/home', 'box/tmp'];

export class TaskFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get work(): string {
    return join(this.path, 'box', 'work');
  }

  get box(): string {
    return join(this.path, 'box');
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  make(): void {
    for (const name of ['.', 'box', ...BOXES, 'logs']) mkdirSync(join(this.path, name), { mode: 0o700 });
  }

  exists(name: string): boolean {
    return this.modified(name) !== undefined;
  }

  names(): ReadonlySet<string> {
    return new Set(readdirSync(this.path));
  }

  /** Undefined when it is not there. */
  read(name: string): string | undefined {
    try {
      return readFileSync(this.file(name), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  modified(name: string): number | undefined {
    try {
      return lstatSync(this.file(name), { throwIfNoEntry: false })?.mtimeMs;
    } catch {
      return undefined;
    }
  }

  /** Writes into an unpublished folder; survives a power loss. */
  async stage(name: string, text: string): Promise<void> {
    const file = openSync(this.file(name), 'w', 0o600);
    try {
      writeFileSync(file, text);
      await synced(file);
    } finally {
      closeSync(file);
    }
  }

  /** Writes atomically; the content is needed only until the machine restarts. */
  note(name: string, text: string): void {
    writeFileSync(this.file(`${name}.new`), text, { mode: 0o600 });
    renameSync(this.file(`${name}.new`), this.file(name));
  }

  /** Writes atomically; survives a power loss. */
  async write(name: string, text: string): Promise<void> {
    // Does not truncate before the write, to keep reserved blocks.
    const file = openSync(this.file(`${name}.new`), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      ftruncateSync(file, writeSync(file, text, 0));
      await synced(file);
    } finally {
      closeSync(file);
    }
    renameSync(this.file(`${name}.new`), this.file(name));
  }

  /**
   * Reserves space for the result and for the files of the start: on a full disk a task waits before its start, or its end is
   * recorded.
   */
  reserve(): void {
    writeFileSync(this.file('result.json.new'), ' '.repeat(4096), { mode: 0o600 });
    writeFileSync(this.file('spare'), SPARE, { mode: 0o600 });
  }

  /** At the start, its files replace the reserved ones. */
  release(): void {
    rmSync(this.file('spare'), { force: true });
  }

  record(): TaskRecord | undefined {
    const text = this.read('task.json');
    return text === undefined ? undefined : (JSON.parse(text) as TaskRecord);
  }

  result(): TaskState | undefined {
    const text = this.read('result.json');
    if (text === undefined) return undefined;
    return JSON.parse(text, (key, value: unknown) =>
      (key === 'startedAt' || key === 'endedAt') && typeof value === 'string' ? new Date(value) : value,
    ) as TaskState;
  }

  /** The first reason stays. Synchronous: a reader of the file must not end the task before it is written. */
  markStop(end: StopMark['end'], detail = ''): void {
    try {
      writeFileSync(this.file('cancel'), detail === '' ? end : `${end}\n${detail}`, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      // On a full disk an empty file exists, which is enough.
      if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOSPC') throw error;
    }
  }

  /** Ends the grace period, whatever was requested before. */
  async markKill(): Promise<void> {
    this.markStop('canceled');
    const long = new Date(0);
    await utimes(this.file('cancel'), long, long);
  }

  /**
   * Records that Dais kills the processes. A program may end with its own exit code before it receives the signal: its last
   * process is gone, or it cannot start another ("Cannot fork", exit code 2).
   */
  noteKill(): void {
    if (!this.wasKilled()) this.note('killed', '');
  }

  wasKilled(): boolean {
    return this.read('killed') !== undefined;
  }

  stopMark(): StopMark | undefined {
    const [text, at] = [this.read('cancel'), this.modified('cancel')];
    if (text === undefined || at === undefined) return undefined;
    // Empty: a crash or a full disk interrupted the write.
    const [end = '', ...detail] = text.split('\n');
    return {
      end: end === '' ? 'canceled' : (end as StopMark['end']),
      ...(detail.length > 0 && { detail: detail.join('\n') }),
      at,
    };
  }

  shim(): ShimIdentity | undefined {
    const [text, at] = [this.read('pid'), this.modified('pid')];
    // Without a line end, it is being written, or the disk is full.
    if (text === undefined || at === undefined || !text.endsWith('\n')) return undefined;
    const [pid, startTime, bootId] = text.trim().split(' ');
    return { pid: Number(pid), startTime: startTime!, bootId: bootId!, at };
  }

  /** `complete`: its output is complete. */
  ended(): (ShimEnd & { readonly complete: boolean }) | undefined {
    // Between these two reads, one file may be renamed to the other.
    for (const name of ['rc', 'end', 'rc']) {
      const [text, at] = [this.read(name), this.modified(name)];
      if (text !== undefined && at !== undefined) return { ...parseEnd(text), at, complete: name === 'rc' };
    }
    return undefined;
  }

  /** Gives the folders that a task may change to its user. Follows no links. */
  async giveBoxTo(uid: number): Promise<void> {
    await changeOwner(this.box, uid);
  }

  async remove(): Promise<void> {
    try {
      await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
    } catch (error) {
      if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw error;
      await openFolders(this.path);
      await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

async function changeOwner(path: string, uid: number): Promise<void> {
  await chown(path, uid, uid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) await changeOwner(file, uid);
    else await chown(file, uid, uid);
  }
}

/** A task may have denied access to its own folders. */
async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
  }
}

/** First line: status and whether a signal ended it; then the two lines of \`times\`, the second one for children. */
function parseEnd(text: string): Omit<ShimEnd, 'at'> {
  const [first = '', , children = ''] = text.split('\n');
  const [code, signalled] = first.split(' ');
  let cpuMs = 0;
  for (const [, minutes, seconds] of children.matchAll(/(\d+)m([\d.,]+)s/g)) {
    cpuMs += Number(minutes) * 60_000 + Number(seconds!.replace(',', '.')) * 1000;
  }
  return { code: Number(code), signalled: signalled === '1', cpuMs: Math.round(cpuMs) };
}

/** Stopped before its command ran. */
export function stoppedBeforeStart({ end, at }: StopMark): TaskState {
  const then = new Date(at);
  const usage = { wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 };
  return { phase: 'ended', end, signal: 'SIGTERM', startedAt: then, endedAt: then, usage };
}

/** Returns the state of a task that ended before its command started, with the message of the engine's programs. */
export async function refusedBeforeStart(folder: TaskFolder, word: string | undefined): Promise<TaskState> {
  const message = word?.trim() ?? '';
  if (message !== '') return { phase: 'refused', reason: message };
  const log = await readFile(`${folder.logs}/0`, 'utf8').catch(() => '');
  const tail = log.trim().slice(-1000);
  return { phase: 'refused', reason: tail === '' ? 'it ended before its command started' : tail };
}

/** Creates a folder that only its owner can read. */
export async function privateFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
}

/** Continues a task that waits at the pipe. Returns false when its shim has not opened the pipe yet. */
export async function continueTask(pipe: string): Promise<boolean> {
  try {
    const file = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      await file.write(`${CONTINUE_LINE}\n`);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENXIO') return false;
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}
