/**
 * The isolation engine: every execution of user code and of user models goes through it. A run states what it needs and may
 * use; the engine confines it with the strongest boundary that works on this machine, which it finds by trying.
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
 * From strong to weak. `bubblewrap`: namespaces, only named files are visible. `bubblewrap-without-proc`: the same without
 * /proc, where a container masks it. `landlock`: no namespaces; the kernel refuses files, sockets and signals. `none`.
 */
export type Boundary = 'bubblewrap' | 'bubblewrap-without-proc' | 'landlock' | 'none';

export interface RunLimits {
  /** For all processes of the run together. A single process that asks for much more at once gets an error. */
  readonly memoryBytes?: number;
  /** What a single process may reserve, used or not. Default: `memoryBytes`, stacks of its threads and a margin. Infinity: no limit. */
  readonly reservedBytes?: number;
  /** In cores. Without control groups rounded up to whole ones. */
  readonly cpu?: number;
  /** Processes and threads of the run together. */
  readonly processes?: number;
  /** Size of a private `/tmp` and, with `start`, of each file that the run writes and of its scratch folder. */
  readonly diskBytes?: number;
  /** From the start; held by `start` only. */
  readonly wallMs?: number;
  /** Threads that the program starts, for the space of their stacks. Default 16. */
  readonly threads?: number;
}

/**
 * `none`: no address at all. `ports`: TCP ports of the loopback device. With namespaces, whoever started the run listens on
 * them inside the namespace of the run; with `landlock` they are ports of the machine. `host`: the machine's network.
 */
export type NetworkAccess =
  | { readonly type: 'none' }
  | { readonly type: 'ports'; readonly ports: readonly number[] }
  | { readonly type: 'host' };

export interface WritableFolder {
  readonly outside: string;
  /** Where the run sees it; with `landlock` it keeps its place. */
  readonly inside: string;
}

export interface VisibleFiles {
  /** In addition to the programs of the machine; files or folders, in their own place. */
  readonly readable: readonly string[];
  readonly writable: readonly WritableFolder[];
  /** Never visible, even where they are below a folder that every run sees. */
  readonly hidden?: readonly string[];
  /** A file tree that takes the place of the machine's programs (an image). Needs a bubblewrap boundary. */
  readonly root?: string;
  /** Indexes of GPUs of NVIDIA. */
  readonly gpus?: readonly string[];
}

export interface IsolatedRun {
  readonly workload: Workload;
  /** Runs of one owner may share a user id; runs of two owners never do. */
  readonly owner: string;
  /**
   * `owner`: a user id for each owner, where Dais may give them. `dais`: the user id of Dais without any capability, for a
   * program of Dais that reads files which only Dais may read. Default `owner`.
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
  /** The caller holds memory and the number of processes by control groups. */
  readonly hasControlGroups: boolean;
}

export interface Confined {
  readonly boundary: Boundary;
  readonly command: readonly [string, ...string[]];
  /** Bytes for `filterDescriptor`; empty: nothing is read from it. */
  readonly filter: Buffer;
  /** Who owns what the run writes; undefined: the user that Dais runs as. */
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
  /** A sentence for the owner of the run: what happened and, for a limit, how high it is. No period at its end. */
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
  /** The process id of the program itself, behind what confines it; undefined when it is gone. */
  programPid(): number | undefined;
  /** A process in the network namespace of the run, for `Relay`; undefined where the run has none of its own, or not yet. */
  networkPid(): number | undefined;
  /** Ends all its processes with SIGKILL. Idempotent; the first reason counts. */
  kill(reason: string): void;
  /** Whether it keeps this process alive; at first it does not. */
  ref(): void;
}

export interface FoundProgram {
  readonly path: string;
  /** `configured`: named by the operator. `machine`: on the PATH. `bundled`: fetched or shipped by Dais. */
  readonly source: 'configured' | 'machine' | 'bundled';
}

export interface IsolationReport {
  readonly boundary: Boundary;
  /** `cgroup`: the kernel holds memory, CPU and processes of a whole run. `rlimit`: each process has limits, and a watchdog ends the run. */
  readonly limits: 'cgroup' | 'rlimit';
  /** `own-user`: each owner has a user id of its own. */
  readonly identity: 'own-user' | 'same-user';
  /** The program behind a bubblewrap boundary. */
  readonly program: FoundProgram | undefined;
  /** Version of Landlock's interface in this kernel; 0: there is none. */
  readonly landlockAbi: number;
  /** What this boundary does not protect from or does not offer, one sentence each. Empty for the strongest one. */
  readonly lacks: readonly string[];
  /** Why no stronger boundary is used, one entry for each that was tried. */
  readonly tried: readonly { readonly boundary: Boundary; readonly reason: string }[];
  /** Undefined when runs are isolated. Else what failed and why. */
  readonly reason: string | undefined;
  /** What to do so that the strongest boundary works here; undefined when it does. */
  readonly remedy: string | undefined;
}

export interface IsolationOptions {
  /** Places of bwrap that the operator names; they come first. */
  readonly configured?: readonly string[];
  /** PATH in which the machine's programs are looked up. Default: the folders of a Linux system. */
  readonly path?: string;
  /** Places of a bwrap that Dais brings; they come last and need not exist yet. */
  readonly bundled?: readonly string[];
  /** For tests and benchmarks: only these boundaries are tried. */
  readonly boundaries?: readonly Boundary[];
  /** `rlimit`: control groups are not used even where they are writable. */
  readonly limits?: 'rlimit';
}

export interface Isolation {
  /** Found by trying, and kept while it is the strongest; a weaker result is tried again after a while. */
  report(): Promise<IsolationReport>;
  /** @throws DaisError `invalid_request` when isolation is required and the machine offers none. */
  confine(run: IsolatedRun, options: ConfineOptions): Promise<Confined>;
  /** @throws DaisError `invalid_request` when isolation is required and the machine offers none. */
  start(run: IsolatedRun, start: IsolatedStart): Promise<IsolatedProcess>;
  /** Ends what runs. Idempotent. */
  close(): Promise<void>;
}

/** The sentence with which a run is refused where nothing isolates. */
export function isolationRefusal(what: string, { reason, remedy }: IsolationReport): string {
  const fix = remedy === undefined ? '' : ` ${remedy}`;
  return `${what} requires isolation, and no isolation works on this machine: ${reason ?? 'no boundary works'}.${fix}`;
}
