/**
 * The isolation engine runs all user code and user models. A run declares its requirements and permissions; the engine confines
 * it with the strongest boundary that works on this machine, which it finds by testing.
 *
 * A run starts in one of two ways. `start` starts a process that ends with this one and reports why it ended. `confine` only
 * returns the command line, for a caller that starts the process itself (the shim of a step, which outlives Dais).
 */
import type { Duplex, Readable } from 'node:stream';

export type Workload =
  | 'step'
  | 'image-step'
  | 'python-model'
  | 'onnx-model'
  | 'conversion'
  | 'trial-load'
  | 'batch-job'
  | 'query'
  | 'package-build';

/**
 * From strong to weak. `bubblewrap`: namespaces; only listed files are visible. `bubblewrap-without-proc`: the same without
 * /proc, if a container masks it. `landlock`: no namespaces; the kernel denies access to files, sockets and signals. `none`: no
 * isolation.
 */
export type Boundary = 'bubblewrap' | 'bubblewrap-without-proc' | 'landlock' | 'none';

export interface RunLimits {
  /** For all processes of the run together. A single process that allocates much more in one call gets an error. */
  readonly memoryBytes?: number;
  /**
   * Address space that a single process may reserve. Default: `memoryBytes`, stacks of its threads and a margin. Infinity: no
   * limit.
   */
  readonly reservedBytes?: number;
  /** In cores. Without control groups, rounded up to an integer. */
  readonly cpu?: number;
  /** Processes and threads of the run together. */
  readonly processes?: number;
  /** Size of a private `/tmp` and, with `start`, of each file that the run writes and of its scratch folder. */
  readonly diskBytes?: number;
  /** From the start of the run; enforced by `start` only. */
  readonly wallMs?: number;
  /** Number of threads of the program, to reserve their stacks. Default 16. */
  readonly threads?: number;
}

/**
 * `none`: no network. `ports`: TCP ports of the loopback device. With namespaces, the caller listens on them inside the
 * namespace of the run; with `landlock` they are ports of the machine. `host`: the network of the machine.
 */
export type NetworkAccess =
  | { readonly type: 'none' }
  | { readonly type: 'ports'; readonly ports: readonly number[] }
  | { readonly type: 'host' };

export interface WritableFolder {
  readonly outside: string;
  /** Path inside the run; with `landlock` the path is unchanged. */
  readonly inside: string;
}

export interface VisibleFiles {
  /** In addition to the programs of the machine; files or folders, under their own path. */
  readonly readable: readonly string[];
  readonly writable: readonly WritableFolder[];
  /** Never visible, even where they are below a folder that every run sees. */
  readonly hidden?: readonly string[];
  /** A root file system that replaces the programs of the machine (an image). Needs a bubblewrap boundary. */
  readonly root?: string;
  /** Indexes of NVIDIA GPUs. */
  readonly gpus?: readonly string[];
}

export interface IsolatedRun {
  readonly workload: Workload;
  /** Runs of one owner may share a user id; runs of two owners never do. */
  readonly owner: string;
  /**
   * `owner`: a user id per owner, if Dais can assign them. `dais`: the user id of Dais without capabilities, for a program of
   * Dais that reads files which only Dais can read. Default `owner`.
   */
  readonly identity?: 'owner' | 'dais';
  readonly command: readonly string[];
  readonly limits: RunLimits;
  readonly network: NetworkAccess;
  readonly files: VisibleFiles;
  /** `none`: limits only, for code that policy trusts. Default `required`. */
  readonly isolation?: 'required' | 'none';
}

export interface ConfineOptions {
  /** Descriptor at which the program finds `Confined.filter`. */
  readonly filterDescriptor: number;
  /** The caller limits memory and processes with control groups. */
  readonly hasControlGroups: boolean;
}

export interface Confined {
  readonly boundary: Boundary;
  readonly command: readonly [string, ...string[]];
  /** Bytes for `filterDescriptor`; empty: nothing is read from it. */
  readonly filter: Buffer;
  /** Owner of files that the run writes; undefined: the user that Dais runs as. */
  readonly uid: number | undefined;
}

export interface IsolatedStart {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** A pair of connected sockets at descriptor 3. */
  readonly hasSocket?: boolean;
  /** Text of standard output and standard error. */
  readonly onOutput?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** Why a run ended. `killed`: by `kill`, with the caller's reason. */
export type EndCause = 'exit' | 'signal' | 'memory' | 'wall-time' | 'processes' | 'disk' | 'killed' | 'not-started';

export interface IsolatedEnd {
  readonly cause: EndCause;
  readonly code?: number;
  readonly signal?: string;
  /** A message for the owner of the run: the cause and, for a limit, its value. Without a final period. */
  readonly reason: string;
}

export interface IsolatedProcess {
  readonly pid: number | undefined;
  readonly boundary: Boundary;
  /** Undefined without `hasSocket`. */
  readonly socket: Duplex | undefined;
  readonly stdout: Readable | undefined;
  /** Resolves when no process of the run is left. */
  readonly ended: Promise<IsolatedEnd>;
  memoryBytes(): number;
  cpuMs(): number;
  /** The process id of the program itself, inside its confinement; undefined after its end. */
  programPid(): number | undefined;
  /**
   * The id of a process in the network namespace of the run, for `Relay`; undefined if the run has no network namespace yet.
   */
  networkPid(): number | undefined;
  /** Ends all its processes with SIGKILL. Idempotent; the first reason counts. */
  kill(reason: string): void;
  /** Keeps this process alive; initially it does not. */
  ref(): void;
}

export interface FoundProgram {
  readonly path: string;
  /** `configured`: set by the operator. `machine`: on the PATH. `bundled`: provided by Dais. */
  readonly source: 'configured' | 'machine' | 'bundled';
}

export interface IsolationReport {
  readonly boundary: Boundary;
  /**
   * `cgroup`: the kernel limits memory, CPU and processes of a whole run. `rlimit`: each process has limits, and a watchdog
   * ends the run.
   */
  readonly limits: 'cgroup' | 'rlimit';
  /** `own-user`: each owner has a separate user id. */
  readonly identity: 'own-user' | 'same-user';
  /** The program behind a bubblewrap boundary. */
  readonly program: FoundProgram | undefined;
  /** Version of the Landlock interface in this kernel; 0: not available. */
  readonly landlockAbi: number;
  /** Limitations of this boundary, one sentence each. Empty for the strongest one. */
  readonly lacks: readonly string[];
  /** Why no stronger boundary is used, one entry per tested boundary. */
  readonly tried: readonly { readonly boundary: Boundary; readonly reason: string }[];
  /** Undefined when runs are isolated. Otherwise what failed and why. */
  readonly reason: string | undefined;
  /** How to enable the strongest boundary; undefined when it works. */
  readonly remedy: string | undefined;
}

export interface IsolationOptions {
  /** Paths of bwrap that the operator configured; tried first. */
  readonly configured?: readonly string[];
  /** PATH for programs of the machine. Default: the folders of a Linux system. */
  readonly path?: string;
  /** Paths of the bundled bwrap; tried last, and may not exist yet. */
  readonly bundled?: readonly string[];
  /** For tests and benchmarks: tries only these boundaries. */
  readonly boundaries?: readonly Boundary[];
  /** `rlimit`: does not use control groups even where they are writable. */
  readonly limits?: 'rlimit';
}

export interface Isolation {
  /** Tests the boundaries and caches the strongest result; a weaker result is tested again later. */
  report(): Promise<IsolationReport>;
  /** @throws DaisError `invalid_request` when isolation is required and unavailable. */
  confine(run: IsolatedRun, options: ConfineOptions): Promise<Confined>;
  /** @throws DaisError `invalid_request` when isolation is required and unavailable. */
  start(run: IsolatedRun, start: IsolatedStart): Promise<IsolatedProcess>;
  /** Ends all runs. Idempotent. */
  close(): Promise<void>;
}

/** Returns the error message for a run that requires isolation where none works. */
export function isolationRefusal(what: string, { reason, remedy }: IsolationReport): string {
  const fix = remedy === undefined ? '' : ` ${remedy}`;
  return `${what} requires isolation, and no isolation works on this machine: ${reason ?? 'no boundary works'}.${fix}`;
}
