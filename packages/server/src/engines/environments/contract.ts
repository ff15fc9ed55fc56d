/**
 * The environments engine builds the environment of a command or a model (a Python version with packages) once, stores it under
 * the digest of its lock, and shares it read-only. It is independent of projects and of the programs in it.
 */

/** Package indexes that take precedence over the index of the engine. The URL contains no credentials. */
export interface PackageIndex {
  readonly url: string;
}

/** Credentials for one index of a spec, by its URL. Sent to that index only; never in a lock, a log or an error. */
export interface IndexCredentials {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface PythonSpec {
  readonly type: 'python';
  /** `3.11` or `3.11.9`. Undefined: the newest of the engine. */
  readonly version?: string;
  /** Lines of a requirements file; includes and local paths are rejected. */
  readonly requirements: readonly string[];
  /** Requirements that are installed without their dependencies. A package in `requirements` takes precedence. */
  readonly bare?: readonly string[];
  /** A lock with hashes, in the format of `uv pip compile --generate-hashes` or `pip freeze`; `requirements` is then empty. */
  readonly lock?: string;
  readonly indexes: readonly PackageIndex[];
}

/** No packages: the programs of the machine. */
export interface SystemSpec {
  readonly type: 'system';
}

/** The files of a container image replace those of the machine. */
export interface ImageSpec {
  readonly type: 'image';
  /** As for `podman pull`; names that start with `localhost/` are local and not fetched. */
  readonly image: string;
}

export type EnvironmentSpec = PythonSpec | SystemSpec | ImageSpec;

/** A spec with every package pinned: the same lock produces the same environment. */
export interface EnvironmentLock {
  /** Lower-case hex SHA-256 of the inputs of the environment: interpreter, platform, packages with hashes. */
  readonly digest: string;
  readonly spec: EnvironmentSpec;
  /** The whole lock, for users and for `reproduce`. */
  readonly text: string;
}

export interface BuildProgress {
  /** The current activity, for users: `resolving`, `downloading torch (214 MB)`. */
  readonly note: string;
}

export interface BuiltEnvironment {
  readonly digest: string;
  /** All folders that must be readable: the environment, and its interpreter when it is in another folder. */
  readonly folders: readonly string[];
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Root file system that replaces that of the machine. */
  readonly root?: string;
  /** Releases the hold, which prevents eviction. Idempotent. */
  release(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: BuildProgress) => void;
  /** Passed with each call: specs and locks are stored, and must contain no secret. */
  readonly credentials?: readonly IndexCredentials[];
}

export interface Environments {
  /** Returns why environments of this type are unavailable, with a remedy; undefined when they are available. */
  problem(type: EnvironmentSpec['type']): Promise<string | undefined>;
  /**
   * Pins every package. The same spec may produce another lock later: store the lock.
   * @throws DaisError `invalid_request` for a package that no index has (with the full message of the resolver), for an
   *   unavailable Python, for lines that are not allowed; `address_refused` for an index inside the network; `upstream_failed`
   *   for one that does not respond; `storage_full`. When `signal` aborts, its reason.
   */
  lock(spec: EnvironmentSpec, options?: EnvironmentOptions): Promise<EnvironmentLock>;
  /**
   * Builds the environment if it does not exist. For concurrent callers, in this process or another on the machine, one builds
   * and all receive it. A build that a crash interrupted starts again. A hold ends with its process: a process that adopts a
   * running task after a crash calls this first, which only takes a hold. @throws DaisError as `lock`; `storage_full`;
   * `upstream_failed` for an index that does not respond.
   */
  build(lock: EnvironmentLock, options?: EnvironmentOptions): Promise<BuiltEnvironment>;
  /** Lists the stored environments, the least recently used first. */
  list(): Promise<readonly { readonly digest: string; readonly bytes: number; readonly lastUsedAt: Date }[]>;
  /** Removes the least recently used environments without a hold until at most `keepBytes` remain. Returns the bytes freed. */
  evict(keepBytes: number): Promise<number>;
}
