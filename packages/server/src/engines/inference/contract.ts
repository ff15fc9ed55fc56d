/**
 * The inference engine: loads one model from a folder and runs batches of tensors through it. It knows no endpoint, project,
 * registry or protocol: callers bring the files to the disk, decide what may be loaded, validate and batch the requests.
 */
import { DaisError } from '@dais/api/errors';

/** Names of the Open Inference Protocol, with `BF16`. */
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
 * Elements row by row. BOOL: one byte each, 0 or 1; FP16, BF16: their bits; BYTES: one Buffer for each element; the others
 * in the array of their type. Its length is the product of `shape`.
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
  /** One byte for each element, 1 where the value is missing: of columns that may lack one and whose datatype has no NaN. */
  readonly nulls?: Uint8Array;
}

/** -1 in `shape`: any size. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** What a missing value is: without it, missing is an error. */
  readonly optional?: boolean;
}

/** Where the files of one model are, and what they say of themselves. */
export interface ModelFiles {
  /** Absolute; read-only; nothing outside of it is read. */
  readonly folder: string;
  /** Below `folder`: a `.onnx` file, or a folder with `MLmodel`. Default: `MLmodel` if there, else the only `.onnx`. */
  readonly path?: string;
}

export interface LoadOptions {
  /** Default 1. Threads within one operator. */
  readonly threads?: number;
  /** Instances of the model that can run at once (worker threads, processes). Default 1. */
  readonly workers?: number;
  /**
   * `untrusted` always runs in a process of its own without the caller's rights. `trusted` may run within the caller's process
   * where the engine can bound statically what a run needs; everything else runs in a process too.
   */
  readonly trust: 'trusted' | 'untrusted';
  /**
   * An earlier load of the same files passed its trial. Without it, the model is first loaded and tried in a process with
   * limits, also where it may run within the caller's process afterwards.
   */
  readonly isProven?: boolean;
  /** Memory limit of a process of the model. Default: 2 GiB plus twice the size of its files. */
  readonly memoryBytes?: number;
  /** Time limit for loading the model into a process. Default 5 minutes. */
  readonly loadMs?: number;
  /** Time limit of one batch in a process, counted from when it starts; the process is ended then. Default 60 s. */
  readonly inferMs?: number;
  /** Most rows of one batch: what the static bound is computed for. Default 10,000. */
  readonly maxRows?: number;
  /** Called when a process of the loaded model ended without being told to. Returns why the model must not be started again. */
  readonly onEnd?: (end: ProcessEnd) => string | undefined;
  /** For an engine that needs an environment (`python`): the folder of the interpreter that has what the model requires. */
  readonly environment?: string;
  /** Rows that the model takes, for the test whether rows may be joined. Default: the model's own example, else made up. */
  readonly sample?: readonly Tensor[] | SampleSource;
  /** Told while loading, for progress. */
  readonly onPhase?: (phase: string) => void;
}

export interface InferOptions {
  /** Names of the outputs wanted; default all. */
  readonly outputs?: readonly string[];
  /** Open parameters of the request, for models that take them (`params` of MLflow). */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly signal?: AbortSignal;
  /** An instance begins with it: until then it waited for one, as while a process starts again. Not called where none is waited for. */
  readonly onStart?: () => void;
}

/** Reads rows that the model takes, once its inputs are known. */
export type SampleSource = (inputs: readonly TensorSpec[]) => Promise<readonly Tensor[] | undefined>;

/** How a process of a model ended that nobody stopped. */
export interface ProcessEnd {
  readonly reason: string;
  /** A batch was answered since the process before it ended. */
  readonly hasAnswered: boolean;
  /** The model's own doing: a limit it exceeded, a crash. False for a SIGKILL from outside, as an administrator sends. */
  readonly isOwnFault: boolean;
}

/** The process of a model ended, or was ended by a limit, before the model was loaded and tried. */
export class ProcessEnded extends DaisError {
  constructor(detail: string) {
    super('invalid_request', detail);
  }
}

/** The model itself failed on a batch whose tensors are what it takes: for values that it does not like, or always. */
export class ModelFault extends DaisError {
  constructor(detail: string) {
    super('invalid_request', detail);
  }
}

export interface ModelStats {
  readonly runs: number;
  readonly rows: number;
  /** CPU or, where that cannot be had, wall time of the runs. */
  readonly runNanoseconds: bigint;
  readonly crashes: number;
  /** Of the model's processes or, within the caller's, what loading added. */
  readonly memoryBytes: number;
  /** CPU time of the model's processes since it was loaded; of what runs within the caller's nothing. */
  readonly cpuMs: number;
}

/** A model that is ready. Rows are the first dimension of every tensor. */
export interface LoadedModel {
  /** `onnx`, `python`. */
  readonly engine: string;
  /** `onnxruntime_onnx`, `mlflow_sklearn`, … for metadata. */
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** False: rows must not be joined with those of other requests. Found at load, by a batch of two beside two of one. */
  readonly batchable: boolean;
  /** How many runs it can have at once; moves with `scale`. */
  readonly concurrency: number;
  /**
   * So many instances from now on: more when they are ready, fewer when those that run have ended their batch. Throws as `load`
   * does; then it goes on with those that it has.
   */
  scale(workers: number): Promise<void>;
  /**
   * Throws `invalid_request` for what the model does not take, `ModelFault` for what it fails on, `model_unavailable` for a
   * crash, for a batch that exceeded `inferMs` and for a model that is given up, `overloaded` when too much waits already (for a process that is busy or that starts again); the reason of `signal` when that
   * aborts: a process that then does not answer soon is ended.
   */
  infer(inputs: readonly Tensor[], options?: InferOptions): Promise<readonly Tensor[]>;
  stats(): ModelStats;
  /** Runs under way end first. */
  close(): Promise<void>;
}

export interface InferenceEngine {
  readonly name: string;
  /** Why it cannot load these files; undefined when it can. Reads the description only, never unpickles. */
  refusal(files: ModelFiles): Promise<string | undefined>;
  /** Throws `invalid_request` with what is wrong with the files and the log of what tried to load them. */
  load(files: ModelFiles, options: LoadOptions): Promise<LoadedModel>;
}
