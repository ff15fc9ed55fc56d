/** Client of the Kubernetes API of one cluster. It repeats nothing except after a 401: its callers reconcile. */
import { pacer } from '#lib/concurrency/pacer.ts';
import type { Clock } from '#lib/clock.ts';
import { ApiError, readApiError } from './api-error.ts';
import { failedRequest, jsonPatch, mergePatch, selectorQuery, writeQuery, type Call } from './call.ts';
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  List,
  ListOptions,
  ObjectPatch,
  WatchOptions,
  WriteOptions,
} from './call-options.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { ConnectionError } from './connection-error.ts';
import { Credentials } from './credentials.ts';
import type { Authorization } from './exec-credential.ts';
import type { Collection, KubernetesObject, ObjectReference } from './kubernetes-object.ts';
import { Transport, type TransportLimits, type TransportRequest } from './transport.ts';
import { readWatchEvents, type WatchEvent } from './watch-events.ts';

export interface ClusterClientOptions {
  readonly config: ClusterConfig;
  readonly clock: Clock;
  /** Environment of credential programs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: Partial<TransportLimits>;
  /** Creations, changes and deletions; default 50. A burst of one second is not delayed. */
  readonly writesPerSecond?: number;
  /** Default `dais`. */
  readonly userAgent?: string;
}

const LIMITS: TransportLimits = { sockets: 32, requestMs: 30_000, responseBytes: 64 << 20 };
const FIELD_MANAGER = 'dais';
const PAGE_SIZE = 500;
const APPLY = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** Errors of all methods: ApiError, ConnectionError, CredentialError, and the reason of `signal`. */
export class ClusterClient {
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #paceWrites: (count: number) => Promise<void>;

  constructor({ config, clock, environment, limits, writesPerSecond = 50, userAgent = 'dais' }: ClusterClientOptions) {
    this.#transport = new Transport(config, { ...LIMITS, ...limits }, clock);
    this.#credentials = new Credentials(config, { clock, environment });
    this.#clock = clock;
    this.#userAgent = userAgent;
    this.#paceWrites = pacer(clock, writesPerSecond);
  }

  async get(object: ObjectReference, options: CallOptions = {}): Promise<KubernetesObject> {
    return await this.#call({ verb: 'get', method: 'GET', target: object, isRepeatable: true, options });
  }

  /**
   * Lists all objects in pages of one consistent state. When the state expires before the last page, the list starts
   * again, the second time without pages.
   */
  async list<T = KubernetesObject>(collection: Collection, options: ListOptions<T> = {}): Promise<List<T>> {
    for (let restarts = 0; ; restarts += 1) {
      try {
        return await this.#listPages(collection, options, restarts < 2 ? PAGE_SIZE : undefined);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 410 || restarts === 2) throw error;
      }
    }
  }

  /** Server-side apply. Creates the object, or changes the fields that Dais sets and removes those that it set before. */
  async apply(
    object: ObjectReference,
    content: KubernetesObject,
    options: ApplyOptions = {},
  ): Promise<KubernetesObject> {
    const query = { ...writeQuery(options), fieldManager: FIELD_MANAGER, force: String(options.force ?? false) };
    return await this.#write({
      verb: 'patch',
      method: 'PATCH',
      target: object,
      isRepeatable: true,
      query,
      options,
      body: JSON.stringify(content),
      contentType: APPLY,
    });
  }

  async create(
    collection: Collection,
    content: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<KubernetesObject> {
    const query = { ...writeQuery(options), fieldManager: FIELD_MANAGER };
    const body = JSON.stringify(content);
    return await this.#write({ verb: 'create', method: 'POST', target: collection, query, options, body });
  }

  async patch(object: ObjectReference, patch: ObjectPatch, options: WriteOptions = {}): Promise<KubernetesObject> {
    const query = { ...writeQuery(options), fieldManager: FIELD_MANAGER };
    const [body, contentType] = 'merge' in patch ? [mergePatch(patch), MERGE_PATCH] : [jsonPatch(patch), JSON_PATCH];
    return await this.#write({
      verb: 'patch',
      method: 'PATCH',
      target: object,
      query,
      options,
      body: JSON.stringify(body),
      contentType,
    });
  }

  /** Resolves when the API server accepted the deletion; finalizers can keep the object for longer. */
  async delete(object: ObjectReference, options: DeleteOptions): Promise<void> {
    const { propagationPolicy, uid, resourceVersion, gracePeriodSeconds, dryRun = false } = options;
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    const body = JSON.stringify({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy,
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(dryRun && { dryRun: ['All'] }),
    });
    await this.#write({ verb: 'delete', method: 'DELETE', target: object, options, body });
  }

  /** Sends an object that the API server answers and does not store: SelfSubjectAccessReview, TokenReview, TokenRequest. */
  async review(
    target: Collection | ObjectReference,
    content: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    const body = JSON.stringify(content);
    return await this.#call({ verb: 'create', method: 'POST', target, options, body, isRepeatable: true });
  }

  /** Returns the text of a path without an object, such as `/version` and `/readyz`, or of a subresource such as `log`. */
  async read(
    from: string | ObjectReference,
    query: Readonly<Record<string, string>> = {},
    options: CallOptions = {},
  ): Promise<string> {
    const target = typeof from === 'string' ? { path: from } : { target: from };
    return await this.#send({
      verb: 'get',
      method: 'GET',
      ...target,
      query,
      options,
      accept: '*/*',
      isRepeatable: true,
    });
  }

  /** Ends when the API server ends the watch. Ending the iteration closes the connection. */
  async *watch(collection: Collection, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    const { resourceVersion, timeoutSeconds, idleMs, signal, opened } = options;
    const call: Call = {
      verb: 'watch',
      method: 'GET',
      target: collection,
      isRepeatable: true,
      query: {
        ...selectorQuery(options),
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
      },
      options: signal === undefined ? {} : { signal },
    };
    const response = await this.#authorized(call, async (request) => {
      const response = await this.#transport.stream(request);
      const { statusCode: status = 0, headers } = response;
      if (status === 200) return response;
      throw readApiError(status, await this.#transport.readBody(response), headers['retry-after'], failedRequest(call));
    });
    opened?.();
    try {
      yield* readWatchEvents(response, { idleMs, clock: this.#clock, request: failedRequest(call) });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw error instanceof ApiError ? error : this.#transport.translate(error);
    }
  }

  /** Closes all connections. Idempotent. */
  close(): void {
    this.#transport.close();
  }

  async #listPages<T>(collection: Collection, options: ListOptions<T>, limit: number | undefined): Promise<List<T>> {
    const { project = (object) => object as T } = options;
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      const query = {
        ...selectorQuery(options),
        ...(limit !== undefined && { limit: String(limit) }),
        ...(token !== undefined && { continue: token }),
      };
      const page = await this.#call({
        verb: 'list',
        method: 'GET',
        target: collection,
        query,
        options,
        isRepeatable: true,
      });
      const { apiVersion, kind } = page;
      // Items of a list have no type of their own.
      const type = { apiVersion, kind: kind.replace(/List$/, '') };
      const objects = Array.isArray(page['items']) ? (page['items'] as KubernetesObject[]) : [];
      for (const object of objects) items.push(project({ ...type, ...object }));
      const next = page.metadata['continue'];
      token = typeof next === 'string' && next !== '' ? next : undefined;
      if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion ?? '' };
    }
  }

  async #write(call: Call): Promise<KubernetesObject> {
    await this.#paceWrites(1);
    call.options.signal?.throwIfAborted();
    return await this.#call(call);
  }

  async #call(call: Call): Promise<KubernetesObject> {
    const text = await this.#send(call);
    try {
      const object = JSON.parse(text) as KubernetesObject | null;
      if (typeof object?.kind === 'string') return { ...object, metadata: object.metadata ?? {} };
    } catch {
      // As for JSON without an object.
    }
    const { path } = failedRequest(call);
    throw new ConnectionError(
      'unreadable',
      `${path} returned no Kubernetes object. Check \`server\` and proxies in between.`,
    );
  }

  async #send(call: Call): Promise<string> {
    return await this.#authorized(call, async (request) => {
      const { status, body, retryAfter } = await this.#transport.send(request);
      if (status >= 200 && status < 300) return body;
      throw readApiError(status, body, retryAfter, failedRequest(call));
    });
  }

  /** Sends the call, and once more with renewed credentials after a 401. */
  async #authorized<T>(call: Call, send: (request: TransportRequest) => Promise<T>): Promise<T> {
    const authorization = await this.#credentials.authorization();
    try {
      return await send(this.#request(call, authorization));
    } catch (error) {
      const isRejected = error instanceof ApiError && error.status === 401;
      if (!isRejected || !this.#credentials.reject(authorization)) throw error;
    }
    return await send(this.#request(call, await this.#credentials.authorization()));
  }

  #request(call: Call, { token, certificate }: Authorization): TransportRequest {
    const { method, query = {}, body, contentType = 'application/json', accept = 'application/json', options } = call;
    const parameters = new URLSearchParams(query).toString();
    return {
      method,
      path: `${failedRequest(call).path}${parameters === '' ? '' : `?${parameters}`}`,
      headers: {
        accept,
        'user-agent': this.#userAgent,
        ...(body !== undefined && { 'content-type': contentType }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body }),
      certificate,
      isRepeatable: call.isRepeatable ?? false,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    };
  }
}
