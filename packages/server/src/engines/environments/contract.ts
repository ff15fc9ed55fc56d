/**
 * The environments engine: makes what a command or a model needs to run (a Python of a version with packages) once,
 * keeps it by the digest of its lock, and shares it read-only between all who ask for the same. It knows nothing of
 * projects or of what will run in it.
 */

/** Where packages come from beside the engine's own index; asked before it. The URL holds no credentials. */
export interface PackageIndex {
  readonly url: string;
}

/** For one index of a spec, by its URL. Sent to that index only; never in a lock, a log or an error. */
export interface IndexCredentials {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface PythonSpec {
  readonly type: 'python';
  /** `3.11` or `3.11.9`. Undefined: the engine's newest. */
  readonly version?: string;
  /** Lines as of a requirements file; includes and local paths are refused. */
  readonly requirements: readonly string[];
  /** Lines like those, of packages that come without what they need themselves. One that `requirements` bring is theirs. */
  readonly bare?: readonly string[];
  /** A lock with hashes, as `uv pip compile --generate-hashes` or `pip freeze` write it; then `requirements` is empty. */
  readonly lock?: string;
  readonly indexes: readonly PackageIndex[];
}

/** No packages: the programs of the machine. */
export interface SystemSpec {
  readonly type: 'system';
}

/** The files of a container image take the place of the machine's. */
export interface ImageSpec {
  readonly type: 'image';
  /** As for `podman pull`; what begins with `localhost/` is there and is not fetched. */
  readonly image: string;
}

export type EnvironmentSpec = PythonSpec | SystemSpec | ImageSpec;

/** A spec with every package pinned: the same lock gives the same environment. */
export interface EnvironmentLock {
  /** Lower-case hex SHA-256 of what the environment is made of: interpreter, platform, packages with hashes. */
  readonly digest: string;
  readonly spec: EnvironmentSpec;
  /** The whole lock, for people and for `reproduce`. */
  readonly text: string;
}

export interface BuildProgress {
  /** What is being done now, for a person: `resolving`, `downloading torch (214 MB)`. */
  readonly note: string;
}

export interface BuiltEnvironment {
  readonly digest: string;
  /** All that has to be readable: the environment, and its interpreter when that lies elsewhere. */
  readonly folders: readonly string[];
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** All files that it sees, instead of those of the machine. */
  readonly root?: string;
  /** Held: it is not evicted. Idempotent. */
  release(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: BuildProgress) => void;
  /** Given anew to each call: specs and locks are kept, and must hold no secret. */
  readonly credentials?: readonly IndexCredentials[];
}

export interface Environments {
  /** Why none of this type can be had here, and how that is changed; undefined when it can. */
  fault(type: EnvironmentSpec['type']): Promise<string | undefined>;
  /**
   * Pins every package. The same spec may give another lock on another day: keep the lock.
   * @throws DaisError `invalid_request` for what no index has (the resolver's own words, whole), for a Python that cannot be had,
   *   for lines that are not allowed; `address_refused` for an index inside the network; `upstream_failed` for one that does
   *   not answer; `storage_full`. When `signal` aborts, its reason.
   */
  lock(spec: EnvironmentSpec, options?: EnvironmentOptions): Promise<EnvironmentLock>;
  /**
   * Builds it if it is not there; of many who ask at the same time, in this process or another on the machine, one builds
   * and all get it. What a crash left unfinished is built anew. A hold ends with the process that took it: who takes over
   * what runs in an environment after a crash builds it first, which only holds it. @throws DaisError as `lock`; `storage_full`;
   * `upstream_failed` for an index that does not answer.
   */
  build(lock: EnvironmentLock, options?: EnvironmentOptions): Promise<BuiltEnvironment>;
  /** What is kept, the least recently used first. */
  list(): Promise<readonly { readonly digest: string; readonly bytes: number; readonly lastUsedAt: Date }[]>;
  /** Removes the least recently used that nobody holds until at most `keepBytes` are kept. Returns the bytes freed. */
  evict(keepBytes: number): Promise<number>;
}
