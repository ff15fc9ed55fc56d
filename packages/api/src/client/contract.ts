/** What the client can do, and what its methods take and give. */
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
  /** The project of every call; without it, the server decides (`default`). */
  readonly project?: string | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: Fetch;
  readonly retry?: RetryOptions;
  /** For one attempt of a call, and for the silence after which a watch connects again; default 60,000 ms. */
  readonly timeoutMs?: number;
  readonly sleep?: Sleep;
  /** Milliseconds since 1970; reads dates in Retry-After. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Makes Idempotency-Keys, so that writes can be repeated too. Undefined: they are not. */
  readonly newKey?: () => string | undefined;
}

export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
}
export interface PerformSettings extends CallSettings {
  /** The write does no more when it is sent twice: it is then repeated as reads are. */
  readonly repeatable?: boolean;
  /** Makes a write such a one, where its operation keeps what it answered: a repetition is answered the same. */
  readonly idempotencyKey?: string;
}
export interface WriteSettings extends CallSettings {
  /** Makes a repetition answer as the first call did, over restarts of the caller too. Default: a new one each call. */
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
  /** Watch from here to miss nothing. */
  readonly resourceVersion: string;
}
export interface EventQuery {
  /** Of kinds of the organization, such as Project, instead of those of the client's project. */
  readonly organization?: boolean | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly limit?: number | undefined;
}
export interface WatchSettings extends CallSettings {
  /** Start after this place; default: now. */
  readonly resourceVersion?: string | undefined;
  /** Told each time the connection is made again, with the reason. */
  readonly onReconnect?: (error: DaisError) => void;
}
export type WatchEvent<T> =
  | { readonly type: 'added' | 'modified' | 'deleted'; readonly resourceVersion: string; readonly object: T }
  /** Only a newer place to resume from. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string };

export interface ApplyInput {
  readonly sources: readonly { readonly file: string; readonly text: string; readonly source?: Source }[];
  /** Name of the set that the manifests make up; needed to prune. */
  readonly owner?: string;
  readonly prune?: boolean;
  readonly takeOver?: boolean;
}

export type KeyUse = z.output<(typeof listKeysOperation)['output']>['items'][number];
export type KeyRotation = z.output<(typeof rotateKeysOperation)['output']>;

/** A manifest as an object, or as YAML text: then errors tell line and column in it. */
export type ManifestInput<K extends string> = ManifestOf<K> | { readonly yaml: string };

/** Every method rejects with a DaisError, or with the reason of the signal that it was given. */
export interface DaisClient {
  readonly url: string;
  readonly project: string | undefined;
  /** The same client for another project; undefined for the server's default. */
  withProject(project: string | undefined): DaisClient;
  server(settings?: CallSettings): Promise<ServerInfo>;
  /** All resources of a kind by name, page after page. */
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
  /** Gives the resource as it last was; with `deletionRequestedAt` when it waits for its finalizers. */
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
  /** Default `generation`: the one before the present. */
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
  /** What happened, newest first. */
  events(query?: EventQuery, settings?: CallSettings): AsyncIterable<Event>;
  eventsPage(
    query?: EventQuery & { readonly cursor?: string | undefined },
    settings?: CallSettings,
  ): Promise<Page<Event>>;
  watchEvents(query?: Omit<EventQuery, 'limit'>, settings?: WatchSettings): AsyncIterable<Event>;
  /** The key-encryption keys, current first, and how many values each seals. */
  keys(settings?: CallSettings): Promise<readonly KeyUse[]>;
  /** Makes a new one and begins to wrap every value under it; `keys` shows how far that is. */
  rotateKeys(settings?: WriteSettings): Promise<KeyRotation>;
  /** Any operation that answers, for those without a method of their own. A write is sent once only. */
  perform<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings?: PerformSettings,
  ): Promise<z.output<Output>>;
  /** The frames of an operation that answers with a stream, from `resourceVersion` on. It never ends by itself. */
  follow<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings?: WatchSettings,
  ): AsyncIterable<z.output<Output>>;
  /** Sends bytes, once and for as long as they flow: a stream cannot be read again. */
  upload<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    /** A function gives them for each attempt, so that the upload can be repeated. */
    bytes: ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>),
    settings?: CallSettings,
  ): Promise<z.output<Output>>;
  /** The bytes that an operation answers with, as they come, and their entity tag: where it is known, their SHA-256. */
  download<Input extends z.ZodType>(
    operation: Operation<Input>,
    input: z.input<Input>,
    settings?: CallSettings,
  ): Promise<{ readonly bytes: ReadableStream<Uint8Array>; readonly tag: string | undefined }>;
}
