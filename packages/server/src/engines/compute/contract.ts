/**
 * The compute engine runs a command on a target and keeps its results until `forget`. It is independent of pipelines, projects
 * and content: inputs and outputs are streams, so that a pod without a shared folder works like a local process. All state of
 * an attempt survives this process: after `kill -9` the same calls find it again.
 */
import type { Readable } from 'node:stream';
import type { ForwardProxy } from '#lib/outbound/forward-proxy.ts';

/**
 * Resources that a task requests or a target has: `cpu` in cores (fractions allowed), `memory` and `disk` in bytes, devices by
 * their vendor's name (`nvidia.com/gpu`) in whole units. An engine rejects unknown names.
 */
export type Resources = Readonly<Record<string, number>>;

export interface TaskInput {
  /** Relative to the task's working folder, with `/`; it cannot leave that folder. */
  readonly path: string;
  readonly executable?: boolean;
  /** The content if it is a short text. Otherwise `open` is called once for each preparation, and again after a crash. */
  readonly text?: string;
  open(): Promise<Readable>;
}

export interface TaskOutput {
  readonly name: string;
  /** A file or a folder, relative to the working folder. A missing output does not fail the task. */
  readonly path: string;
}

export interface TaskLimits {
  /** From the start of the command. */
  readonly wallMs?: number;
  /**
   * Disk limit on the target: working folder, home, temporary files, deleted files that are still open, and private shared
   * memory. Inputs count.
   */
  readonly diskBytes?: number;
  /** Limit of files and folders there. */
  readonly diskFiles?: number;
  /** Memory limit of a task that requests no `memory`; nothing is reserved for it. */
  readonly memoryBytes?: number;
  /** Log size in bytes; beyond it the oldest output is dropped. Default 64 MiB. */
  readonly logBytes?: number;
  /** Time between TERM and KILL; default 10 s. */
  readonly graceMs?: number;
}

/** Read-only folders of this target for tasks, and the variables with which programs find them. */
export interface TaskEnvironment {
  /** Equal for the same content: lower-case hexadecimal. Required by targets, which keep it under this name. */
  readonly digest?: string;
  readonly folders: readonly string[];
  /**
   * A root file system that replaces the programs of the machine: the complete tree of an image, including all mount points.
   * For isolated tasks only. The working folder is then `/work`.
   */
  readonly root?: string;
  /** Prepended to the PATH of the system; with `root`, the complete PATH. */
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * `required`: rejected where the engine cannot isolate. `none`: runs with the permissions of the engine, if policy allows it.
 */
export type Isolation = 'required' | 'none';

export interface TaskSpec {
  /** Permanent identity: submitting it twice starts it once. `[a-z0-9-]`, at most 64 characters. */
  readonly attempt: string;
  /** Who submits it: the node of an installation. An engine can have tasks of several. */
  readonly owner?: string;
  readonly command: readonly [string, ...string[]];
  /** All environment variables of the command, in addition to those that the engine sets (HOME, TMPDIR, PATH). */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * Variables whose values never appear on a command line, in a file that others can read, or in platform messages of `logs`.
   */
  readonly secretVariables: Readonly<Record<string, string>>;
  readonly environment?: TaskEnvironment;
  /** Image with the programs of the command, which the target pulls itself. Only where `abilities().images` is true. */
  readonly image?: string;
  /** Name of a pool of nodes. Default: the one for the requested devices, or any node. Only for targets that have pools. */
  readonly pool?: string;
  readonly inputs: readonly TaskInput[];
  readonly outputs: readonly TaskOutput[];
  readonly resources: Resources;
  readonly limits: TaskLimits;
  readonly isolation: Isolation;
  /**
   * An isolated task with network access reaches the destinations that the outbound guard allows, through a proxy in its
   * variables (`HTTP_PROXY` and similar). Without it, the task reaches only the engine's `reach`. A task without isolation uses
   * the network of the machine.
   */
  readonly network: boolean;
}

export interface TaskUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

/** Why a task ended. `exit`: the command exited. */
export type TaskEnd = 'exit' | 'canceled' | 'wall-time' | 'out-of-memory' | 'too-many-processes' | 'disk-full';

export type TaskState =
  /** Requested, not started: its inputs are being staged, or its resources are in use. */
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
      /** A message for each destination that the outbound guard refused; absent when there is none. */
      readonly refusedConnections?: readonly string[];
    }
  /** It could not be started: the error of the engine, for the author of the command. */
  | { readonly phase: 'refused'; readonly reason: string }
  /** It ran, and its result is unknown (the machine restarted, or its shim was killed). */
  | { readonly phase: 'lost'; readonly reason: string };

/** A position in the output of a task; opaque, printable ASCII. A dropped position returns the output after it. */
export interface LogChunk {
  readonly bytes: Buffer;
  readonly next: string;
}

export interface LogOptions {
  /** Start position; default the oldest kept output. */
  readonly from?: string;
  /** Waits for more until the task ends or `signal` aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface OutputFile {
  /** Name of the output. */
  readonly output: string;
  /** Relative to the path of the output; empty when the output is one file. */
  readonly path: string;
  /** Apparent size in bytes, which exceeds the allocated size of a sparse file. */
  readonly size: number;
  /** Equal for hard links to one file. */
  readonly identity: string;
  readonly executable: boolean;
  /** Streams `size` bytes. @throws DaisError `conflict` when the file was replaced or its size changed. */
  open(): Promise<Readable>;
}

/** Proxies the connections of isolated tasks with network access, which reach it on their loopback device. */
export interface TaskProxy {
  readonly port: number;
  readonly server: Pick<ForwardProxy, 'accept'>;
  /** Called for each refused connection of a task, and when a connection of a task ends; for metrics. */
  readonly onRefused?: () => void;
  readonly onTransfer?: (sentBytes: number, receivedBytes: number) => void;
}

/** Capabilities of a target, determined by tests. */
export interface ComputeAbilities {
  /** Undefined when it isolates tasks; otherwise the reason and the remedy. */
  readonly isolationProblem: string | undefined;
  /** How limits of memory, CPU and processes are enforced: by the kernel for the whole task, or for each process. */
  readonly limits: 'cgroup' | 'rlimit';
  readonly resources: Resources;
  /** It pulls images itself, so that a task may name one. */
  readonly images?: true;
}

export interface Compute {
  abilities(): Promise<ComputeAbilities>;
  /**
   * Submits the task; resolves when it would survive a crash of this process, possibly before it starts. Idempotent by
   * `attempt`; a second call with another spec changes nothing.
   * @throws DaisError `invalid_request` for a spec that can never run here: more resources than the target has, an unknown
   *   resource name, a path outside the folder, unavailable isolation; `storage_full`.
   */
  submit(spec: TaskSpec): Promise<void>;
  /** Undefined when it does not exist or was forgotten. Never blocks on the task. */
  status(attempt: string): Promise<TaskState | undefined>;
  /** Resolves to the status when the task is neither preparing nor running, or when `signal` aborts. */
  wait(attempt: string, signal: AbortSignal): Promise<TaskState | undefined>;
  /** Streams standard output and error in order. Empty for an unknown attempt. */
  logs(attempt: string, options?: LogOptions): AsyncIterable<LogChunk>;
  /** Lists the outputs of an ended task: regular files only, in path order. Links are not followed. */
  outputs(attempt: string): AsyncIterable<OutputFile>;
  /**
   * Sends TERM to all its processes, and KILL after the grace period. Resolves when the request is recorded, not when the task
   * has ended. Idempotent.
   */
  cancel(attempt: string): Promise<void>;
  /** Kills the task and deletes its data. Idempotent. */
  forget(attempt: string): Promise<void>;
  /** Lists the kept attempts of `owner`; a restarted caller forgets unknown ones. Without an owner: all kept attempts. */
  attempts(owner?: string): AsyncIterable<string>;
  /** Stops watching. Tasks continue to run. Idempotent. */
  close(): Promise<void>;
}
