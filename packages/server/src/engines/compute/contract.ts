/**
 * The compute engine: runs a command to its end on a target and keeps what came of it until told to forget it. It knows
 * nothing of pipelines, projects or content: bytes come in and go out as streams, so that a pod without a shared folder
 * fits as well as a process of this machine. Everything about an attempt outlives this process: after `kill -9` the same
 * calls find it again.
 */
import type { Readable } from 'node:stream';
import type { ForwardProxy } from '#lib/outbound/forward-proxy.ts';

/**
 * What a task asks for or a target has: `cpu` in cores (fractions allowed), `memory` and `disk` in bytes, devices by their
 * vendor's name (`nvidia.com/gpu`) in whole pieces. Open: an engine refuses names that it does not know.
 */
export type Resources = Readonly<Record<string, number>>;

export interface TaskInput {
  /** Relative to the task's working folder, with `/`; it cannot leave that folder. */
  readonly path: string;
  readonly executable?: boolean;
  /** Called once for each preparation: again when a crash interrupted the first. */
  open(): Promise<Readable>;
}

export interface TaskOutput {
  readonly name: string;
  /** A file or a folder, relative to the working folder. That it is missing afterwards is no failure of the task. */
  readonly path: string;
}

export interface TaskLimits {
  /** From the start of the command. */
  readonly wallMs?: number;
  /**
   * What it has on the disk of its target: working folder, home, temporary files, files that it holds open without a name, and shared
   * memory that is its own. Inputs count.
   */
  readonly diskBytes?: number;
  /** Files and folders that it has there. */
  readonly diskFiles?: number;
  /** Of a task that requests no `memory`: it is ended beyond this, and nothing is reserved for it. */
  readonly memoryBytes?: number;
  /** Output beyond this drops the oldest; default 64 MiB. */
  readonly logBytes?: number;
  /** Between TERM and KILL; default 10 s. */
  readonly graceMs?: number;
}

/** Folders of this target that tasks see read-only, and what to set so that programs find them. */
export interface TaskEnvironment {
  readonly folders: readonly string[];
  /**
   * A folder whose files the task sees instead of the machine's programs: the whole tree of an image. It has the places on which
   * something is put. For isolated tasks only. The working folder is `/work` then.
   */
  readonly root?: string;
  /** Before the system's PATH; with `root`, all of it. */
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** `required`: refused where the engine cannot isolate. `none`: with the rights of the engine, for whom policy lets. */
export type Isolation = 'required' | 'none';

export interface TaskSpec {
  /** Who this is, for ever: submitting it twice starts it once. `[a-z0-9-]`, at most 64 characters. */
  readonly attempt: string;
  readonly command: readonly [string, ...string[]];
  /** All that the command sees beside what the engine sets (HOME, TMPDIR, PATH). */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables whose values are never on a command line, in a file that others can read, or in what `logs` gives of the engine itself. */
  readonly secretVariables: Readonly<Record<string, string>>;
  readonly environment?: TaskEnvironment;
  readonly inputs: readonly TaskInput[];
  readonly outputs: readonly TaskOutput[];
  readonly resources: Resources;
  readonly limits: TaskLimits;
  readonly isolation: Isolation;
  /**
   * An isolated task with network reaches what the outbound guard allows, through a proxy that its variables name
   * (`HTTP_PROXY` and its like). Without it, it reaches nothing but the engine's own `reach`. A task without isolation
   * has the network of the machine.
   */
  readonly network: boolean;
}

export interface TaskUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

/** Why a task came to its end. `exit`: by itself. */
export type TaskEnd = 'exit' | 'cancelled' | 'wall-time' | 'out-of-memory' | 'too-many-processes' | 'disk-full';

export type TaskState =
  /** Asked for, not started: its inputs are on the way, or resources are leased to others. */
  | { readonly phase: 'preparing' }
  | { readonly phase: 'running'; readonly startedAt: Date; readonly devices: readonly string[] }
  | {
      readonly phase: 'ended';
      readonly end: TaskEnd;
      /** Why the engine ended it, for the owner of the task. */
      readonly detail?: string;
      /** Undefined when a signal ended it. */
      readonly code?: number;
      readonly signal?: string;
      readonly startedAt: Date;
      readonly endedAt: Date;
      readonly usage: TaskUsage;
      /** A sentence for each destination that the outbound guard refused; absent when there is none. */
      readonly refusedConnections?: readonly string[];
    }
  /** It could not be started: what the engine says, for the person who wrote the command. */
  | { readonly phase: 'refused'; readonly reason: string }
  /** It ran, and nobody can say what came of it (the machine was restarted, its shim was killed). */
  | { readonly phase: 'lost'; readonly reason: string };

/** A place in the output of a task; opaque, printable ASCII. A place that was dropped gives what comes after it. */
export interface LogChunk {
  readonly bytes: Buffer;
  readonly next: string;
}

export interface LogOptions {
  /** From here on; default the oldest that is kept. */
  readonly from?: string;
  /** Waits for more until the task ends or `signal` aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface OutputFile {
  /** The output's name. */
  readonly output: string;
  /** Below the output's own path; empty when the output is one file. */
  readonly path: string;
  /** How many bytes it reads as: more than it takes on the disk when it is sparse. */
  readonly size: number;
  /** Equal for names of one file (hard links). */
  readonly identity: string;
  readonly executable: boolean;
  /** Gives `size` bytes. @throws DaisError `conflict` when it is another file by now, or has another size. */
  open(): Promise<Readable>;
}

/** Carries the connections of isolated tasks with network, which find it on their own loopback device. */
export interface TaskProxy {
  readonly port: number;
  readonly server: Pick<ForwardProxy, 'accept'>;
  /** Called for each connection that a task was refused, and when a connection of a task ends; for counters. */
  readonly onRefused?: () => void;
  readonly onTransfer?: (sentBytes: number, receivedBytes: number) => void;
}

/** What a target can do, found out by trying. */
export interface ComputeAbilities {
  /** Undefined when it isolates; else what is missing and how to get it. */
  readonly isolationFault: string | undefined;
  /** How memory, CPU and the number of processes are held: by the kernel for the whole task, or for each process. */
  readonly limits: 'cgroup' | 'rlimit';
  readonly resources: Resources;
}

export interface Compute {
  abilities(): Promise<ComputeAbilities>;
  /**
   * Makes the task be there; resolves when it would survive a crash of this process, which may be before it starts.
   * Idempotent by `attempt`; a second call with another spec changes nothing.
   * @throws DaisError `invalid_request` for what can never run here: more than the target has, a name of a resource that it
   *   does not know, a path that leaves the folder, isolation that it cannot give; `storage_full`.
   */
  submit(spec: TaskSpec): Promise<void>;
  /** Undefined when there is none, or it was forgotten. Never blocks on the task. */
  status(attempt: string): Promise<TaskState | undefined>;
  /** Resolves when the task is neither preparing nor running, or `signal` aborts; then gives what `status` gives. */
  wait(attempt: string, signal: AbortSignal): Promise<TaskState | undefined>;
  /** Standard output and error as they came. Nothing for an unknown attempt. */
  logs(attempt: string, options?: LogOptions): AsyncIterable<LogChunk>;
  /** Of a task that has ended; regular files only, in the order of their paths. What links lead to is not followed. */
  outputs(attempt: string): AsyncIterable<OutputFile>;
  /** TERM to all its processes, KILL after the grace. Resolves when it was told, not when it ended. Idempotent. */
  cancel(attempt: string): Promise<void>;
  /** Frees all that is kept of it; kills it first. Idempotent. */
  forget(attempt: string): Promise<void>;
  /** Every attempt that is kept; who starts anew forgets those that nobody knows. */
  attempts(): AsyncIterable<string>;
  /** Stops watching. Tasks go on. Idempotent. */
  close(): Promise<void>;
}
