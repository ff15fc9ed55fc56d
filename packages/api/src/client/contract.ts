/** The interface of the client, with inputs and outputs of its methods. */
import type { z } from 'zod';
import type { ActionInput, ActionOutput, ManifestOf, ResourceOf } from '#client/kind-types.ts';
import type { Fetch, RetryOptions, Sleep } from '#client/transport.ts';
import type { DaisError } from '#errors.ts';
import type { Source } from '#manifest.ts';
import type { listKeysOperation, rotateKeysOperation } from '#operations/keys.ts';
import type { Operation } from '#operations/operation.ts';
import type { Change, Event, ServerInfo } from '#operations/platform.ts';
import type { Revision } from '#operations/resources.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:7070`; a base path is kept. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined;
  /** The project of every request; without it, the server decides (`default`). */
  readonly project?: string | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: Fetch;
  readonly retry?: RetryOptions;
  /** For one attempt of a request, and for the silence after which a watch reconnects; default 60,000 ms. */
  readonly timeoutMs?: number;
  readonly sleep?: Sleep;
  /** Milliseconds since 1970; reads dates in Retry-After. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Creates Idempotency-Keys, so that writes can be retried too. Undefined: they are not. */
  readonly newKey?: () => string | undefined;
}

export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
}
export interface PerformSettings extends CallSettings {
  /** A repeated write has no further effect: it is retried like a read. */
  readonly repeatable?: boolean;
  /** Makes a write idempotent, where its operation stores the response: a retry returns the stored one. */
  readonly idempotencyKey?: string;
  /** For one attempt of an operation that takes longer than others. Default: `timeoutMs` of the client. */
  readonly timeoutMs?: number;
}
export interface WriteSettings extends CallSettings {
  /**
   * A retry with the same key returns the first response, also after restarts of the caller. Default: a new key for
   * each call.
   */
  readonly idempotencyKey?: string;
}
export interface ListQuery {
  /** `team=vision,stage!=dev,owner` (present), `!owner` (absent). */
  readonly labels?: string | undefined;
  readonly origin?: string | undefined;
  readonly owner?: string | undefined;
  /** Items in one page; default 100, at most 1,000. */
  readonly limit?: number | undefined;
}
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
  /** Position for a watch that misses nothing. */
  readonly resourceVersion: string;
}
export interface EventQuery {
  /** Lists an organization kind, such as Project, instead of a kind of the client's project. */
  readonly organization?: boolean | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly limit?: number | undefined;
}
export interface WatchSettings extends CallSettings {
  /** Starts after this position; default: now. */
  readonly resourceVersion?: string | undefined;
  /** Called on each reconnection, with the reason. */
  readonly onReconnect?: (error: DaisError) => void;
}
export type WatchEvent<T> =
  | { readonly type: 'added' | 'modified' | 'deleted'; readonly resourceVersion: string; readonly object: T }
  /** Only a newer position to resume from. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string };

export interface ApplyInput {
  readonly sources: readonly { readonly file: string; readonly text: string; readonly source?: Source }[];
  /** Name of the set of these manifests; required to prune. */
  readonly owner?: string;
  readonly prune?: boolean;
  readonly takeOver?: boolean;
}

export type KeyUse = z.output<(typeof listKeysOperation)['output']>['items'][number];
export type KeyRotation = z.output<(typeof rotateKeysOperation)['output']>;

/** A manifest as an object, or as YAML text: then errors have line and column. */
export type ManifestInput<K extends string> = ManifestOf<K> | { readonly yaml: string };

/** Every method rejects with a DaisError, or with the reason of the given signal. */
export interface DaisClient {
  readonly url: string;
  readonly project: string | undefined;
  /** The same client for another project; undefined for the server's default. */
  withProject(project: string | undefined): DaisClient;
  server(settings?: CallSettings): Promise<ServerInfo>;
  /** All resources of a kind by name, page by page. */
  list<K extends string>(kind: K, query?: ListQuery, settings?: CallSettings): AsyncIterable<ResourceOf<K>>;
  listPage<K extends string>(
    kind: K,
    query?: ListQuery & { readonly cursor?: string | undefined },
    settings?: CallSettings,
  ): Promise<Page<ResourceOf<K>>>;
  get<K extends string>(kind: K, name: string, settings?: CallSettings): Promise<ResourceOf<K>>;
  create<K extends string>(kind: K, manifest: ManifestInput<K>, settings?: WriteSettings): Promise<ResourceOf<K>>;
  /** `resourceVersion`: succeed only at this version, else `precondition_failed`. */
  update<K extends string>(
    kind: K,
    name: string,
    manifest: ManifestInput<K>,
    settings?: WriteSettings & { readonly resourceVersion?: string | undefined },
  ): Promise<ResourceOf<K>>;
  /** Returns the last state of the resource; with `deletionRequestedAt` while it waits for its finalizers. */
  delete<K extends string>(
    kind: K,
    name: string,
    settings?: WriteSettings & { readonly resourceVersion?: string | undefined },
  ): Promise<ResourceOf<K>>;
  /** Newest first. */
  history(
    kind: string,
    name: string,
    query?: { readonly limit?: number | undefined },
    settings?: CallSettings,
  ): AsyncIterable<Revision>;
  /** Default `generation`: the previous one. */
  rollback<K extends string>(
    kind: K,
    name: string,
    settings?: WriteSettings & { readonly generation?: number | undefined },
  ): Promise<ResourceOf<K>>;
  action<K extends string, V extends string>(
    kind: K,
    name: string,
    verb: V,
    input: ActionInput<K, V>,
    settings?: WriteSettings,
  ): Promise<ActionOutput<K, V>>;
  apply(input: ApplyInput, settings?: WriteSettings): Promise<readonly Change[]>;
  plan(input: ApplyInput, settings?: CallSettings): Promise<readonly Change[]>;
  /** @throws DaisError `cursor_expired`: list again and watch from there. */
  watch<K extends string>(
    kind: K,
    query?: { readonly labels?: string | undefined },
    settings?: WatchSettings,
  ): AsyncIterable<WatchEvent<ResourceOf<K>>>;
  /** Events, newest first. */
  events(query?: EventQuery, settings?: CallSettings): AsyncIterable<Event>;
  eventsPage(
    query?: EventQuery & { readonly cursor?: string | undefined },
    settings?: CallSettings,
  ): Promise<Page<Event>>;
  watchEvents(query?: Omit<EventQuery, 'limit'>, settings?: WatchSettings): AsyncIterable<Event>;
  /** The key-encryption keys, the current one first, with the number of values that each encrypts. */
  keys(settings?: CallSettings): Promise<readonly KeyUse[]>;
  /** Creates a new key and starts to encrypt every value with it; `keys` shows the progress. */
  rotateKeys(settings?: WriteSettings): Promise<KeyRotation>;
  /** Performs any unary operation. A write is sent only once. */
  perform<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings?: PerformSettings,
  ): Promise<z.output<Output>>;
  /** The frames of a streaming operation, from `resourceVersion` on. It never ends on its own. */
  follow<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings?: WatchSettings,
  ): AsyncIterable<z.output<Output>>;
  /** Uploads bytes once, without a timeout: a stream cannot be read again. */
  upload<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    /** A function returns them for each attempt, so that the upload can be retried. */
    bytes: ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>),
    settings?: CallSettings,
  ): Promise<z.output<Output>>;
  /** Downloads bytes as a stream with their entity tag: where it is known, their SHA-256. */
  download<Input extends z.ZodType>(
    operation: Operation<Input>,
    input: z.input<Input>,
    settings?: CallSettings,
  ): Promise<{ readonly bytes: ReadableStream<Uint8Array>; readonly tag: string | undefined }>;
}
