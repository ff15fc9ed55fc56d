/** Options and results of the calls of a cluster client. */
import type { KubernetesObject } from './kubernetes-object.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default: the limit of the client. */
  readonly timeoutMs?: number;
}

export interface Selectors {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions<T> extends CallOptions, Selectors {
  /** Applied to each object as its page arrives, so that the whole objects are not kept. Default: the object. */
  readonly project?: (object: KubernetesObject) => T;
}

export interface List<T> {
  readonly items: readonly T[];
  /** A watch from here misses no change. */
  readonly resourceVersion: string;
}

export interface WriteOptions extends CallOptions {
  /** The API server validates and admits, and stores nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields from other managers. Only for objects that Dais created. */
  readonly force?: boolean;
}

/** With `resourceVersion`, the change fails with a conflict if the object has changed since. */
export type ObjectPatch = { readonly resourceVersion?: string } & (
  | { readonly merge: Readonly<Record<string, unknown>> }
  | { readonly operations: readonly JsonPatchOperation[] }
);

/** RFC 6902 */
export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

export interface DeleteOptions extends WriteOptions {
  /** Required: without it, the API server leaves the pods of a Job behind. */
  readonly propagationPolicy: 'Foreground' | 'Background' | 'Orphan';
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
}

export interface WatchOptions extends Selectors {
  readonly resourceVersion: string;
  /** The API server ends the watch after this time. */
  readonly timeoutSeconds: number;
  readonly idleMs: number;
  readonly signal?: AbortSignal;
  /** Called when the API server has accepted the watch. */
  readonly opened?: () => void;
}
