/**
 * The inference engine loads a model from a folder and runs batches of tensors. It is independent of endpoints, projects, the
 * registry and protocols: callers provide the files on disk, decide what may be loaded, and validate and batch the requests.
 */
import { DaisError } from '@dais/api/errors';

/** Datatype names of the Open Inference Protocol, with `BF16`. */
export type Datatype =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'BF16'
  | 'FP32'
  | 'FP64'
  | 'BYTES';

/**
 * Elements row by row. BOOL: one byte each, 0 or 1; FP16, BF16: their bits; BYTES: one Buffer per element; others: the typed
 * array of the datatype. Its length is the product of `shape`.
 */
export type TensorData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly Buffer[];

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
  /** One byte per element, 1 for a missing value; for nullable columns whose datatype has no NaN. */
  readonly nulls?: Uint8Array;
}

/** -1 in `shape`: any size. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** The substitute of a missing value; without it, a missing value is an error. */
  readonly optional?: boolean;
}

/** The location of the files of one model. */
export interface ModelFiles {
  /** Absolute path; read-only; nothing outside it is read. */
  readonly folder: string;
  /**
   * Relative to `folder`: an `.onnx` file, or a folder with `MLmodel`. Default: `MLmodel` if it exists, else the only `.onnx`
   * file.
   */
  readonly path?: string;
  /** A model that another server serves; `folder` is empty. */
  readonly remote?: RemoteModel;
}

/** A model of a server of the Open Inference Protocol, for the engine `remote`. */
export interface RemoteModel {
  /** Base URL of the server, without `/v2`. */
  readonly url: string;
  readonly model: string;
  /** Absent: the server chooses the version. */
  readonly version?: string | undefined;
  /** Name of the header that contains the credentials, lower case; `authorization` contains a bearer token. */
  readonly header?: string | undefined;
  /** Returns the present value of the credentials; undefined while there is none. */
  readonly credentials?: () => string | undefined;
  /** Certificate authorities in PEM format, in addition to those of the installation. */
  readonly ca?: string | undefined;
  /** Maximum concurrent requests. */
  readonly concurrency: number;
}

export interface LoadOptions {
  /** Threads within one operator. Default 1. */
  readonly threads?: number;
  /** Number of concurrent instances of the model (worker threads, processes). Default 1. */
  readonly workers?: number;
  /**
   * `untrusted` always runs in a separate process without the permissions of the caller. `trusted` may run within the caller's
   * process if the engine can bound its resources statically; otherwise it runs in a separate process, too.
   */
  readonly trust: 'trusted' | 'untrusted';
  /**
   * An earlier load of the same files passed its test. Without it, the model is first loaded and tested in a process with
   * limits, even if it may run within the caller's process afterwards.
   */
  readonly isProven?: boolean;
  /** Memory limit of a model process. Default: 2 GiB plus twice the size of its files. */
  readonly memoryBytes?: number;
  /** Time limit for loading the model into a process. Default 5 minutes. */
  readonly loadMs?: number;
  /** Time limit of one batch in a process, counted from its start; the process is then terminated. Default 60 s. */
  readonly inferMs?: number;
  /** Maximum rows of one batch, for the static bound. Default 10,000. */
  readonly maxRows?: number;
  /** Called when a process of the loaded model ended unexpectedly. Returns a reason if the model must not be restarted. */
  readonly onEnd?: (end: ProcessEnd) => string | undefined;
  /** For an engine that needs an environment (`python`): the folder of the environment with the requirements of the model. */
  readonly environment?: string;
  /** Valid rows for the batching test. Default: the input example of the model, else generated rows. */
  readonly sample?: readonly Tensor[] | SampleSource;
  /** Receives the current phase of loading. */
  readonly onPhase?: (phase: string) => void;
}

export interface InferOptions {
  /** Names of the requested outputs; default all. */
  readonly outputs?: readonly string[];
  /** Parameters of the request, for models that accept them (`params` of MLflow). */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly signal?: AbortSignal;
  /**
   * Called when an instance starts the batch, after a wait for one, for example while a process restarts. Not called without a
   * wait.
   */
  readonly onStart?: () => void;
}

/** Reads valid rows, once the inputs of the model are known. */
export type SampleSource = (inputs: readonly TensorSpec[]) => Promise<readonly Tensor[] | undefined>;

/** How a model process ended unexpectedly. */
export interface ProcessEnd {
  readonly reason: string;
  /** A batch has succeeded since the previous process ended. */
  readonly hasAnswered: boolean;
  /**
   * True if the model caused it: an exceeded limit or a crash. False for a SIGKILL from outside, for example of an
   * administrator.
   */
  readonly isOwnError: boolean;
}

/** The model process ended, or was terminated at a limit, before the model was loaded and tested. */
export class ProcessEnded extends DaisError {
  /** False for a SIGKILL from outside, for example of the OOM killer. */
  readonly isOwnError: boolean;

  constructor(detail: string, isOwnError = true) {
    super('invalid_request', detail);
    this.isOwnError = isOwnError;
  }
}

/** Returns whether the process of a model was killed from outside while it loaded: it may load when it is tried again. */
export function wasKilled(error: unknown): boolean {
  return error instanceof ProcessEnded && !error.isOwnError;
}

/** The model failed on a batch with valid tensors, for certain values or always. */
export class ModelError extends DaisError {
  constructor(detail: string) {
    super('invalid_request', detail);
  }
}

export interface ModelStats {
  readonly runs: number;
  readonly rows: number;
  /** CPU time of the runs or, where unavailable, wall time. */
  readonly runNanoseconds: bigint;
  readonly crashes: number;
  /** Memory of the model's processes or, within the caller's process, the memory that loading added. */
  readonly memoryBytes: number;
  /** CPU time of the model's processes since it was loaded; 0 within the caller's process. */
  readonly cpuMs: number;
}

/** A loaded model. Rows are the first dimension of every tensor. */
export interface LoadedModel {
  /** `onnx`, `python`, `remote`. */
  readonly engine: string;
  /** `onnxruntime_onnx`, `mlflow_sklearn`, … for metadata. */
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** False: rows must not be batched with those of other requests. The batching test at load determines it. */
  readonly batchable: boolean;
  /** Number of concurrent runs; changes with `scale`. */
  readonly concurrency: number;
  /**
   * Why the model cannot serve at the moment although it is loaded, as a sentence: its server is not ready. It serves again
   * without a reload. Undefined: it can.
   */
  readonly unavailable?: string | undefined;
  /**
   * Changes the number of instances: new ones serve when they are ready, surplus ones end after their batch. Throws like
   * `load`; the model then continues with its current instances.
   */
  scale(workers: number): Promise<void>;
  /**
   * Throws `invalid_request` for invalid inputs, `ModelError` for a failure of the model, `model_unavailable` for a crash, for
   * a batch that exceeded `inferMs` and for a quarantined model, `overloaded` when too many batches wait for a busy or
   * restarting process; the reason of `signal` when it aborts: a process that does not respond soon after is terminated.
   */
  infer(inputs: readonly Tensor[], options?: InferOptions): Promise<readonly Tensor[]>;
  stats(): ModelStats;
  /** Active runs complete first. */
  close(): Promise<void>;
}

export interface InferenceEngine {
  readonly name: string;
  /** Returns why it cannot load these files; undefined when it can. Reads the description only, never unpickles. */
  refusal(files: ModelFiles): Promise<string | undefined>;
  /**
   * Throws `invalid_request` with the reason and the log of the failed load, and `model_unavailable` while the server of a
   * remote model is not ready: the same load can succeed later.
   */
  load(files: ModelFiles, options: LoadOptions): Promise<LoadedModel>;
}
