/** The typed client for the native REST interface, used by programs, the console and the command line. */
import type { z } from 'zod';
import type {
  ApplyInput,
  CallSettings,
  ClientOptions,
  DaisClient,
  EventQuery,
  KeyRotation,
  KeyUse,
  ListQuery,
  ManifestInput,
  Page,
  PerformSettings,
  WatchEvent,
  WatchSettings,
  WriteSettings,
} from '#client/contract.ts';
import type { ActionInput, ActionOutput, ResourceOf } from '#client/kind-types.ts';
import { encodeName, operationCall } from '#client/operation-call.ts';
import { resumeStream } from '#client/streams.ts';
import { Transport, type CallOptions } from '#client/transport.ts';
import { DaisError } from '#errors.ts';
import { findKind, kinds } from '#kinds/index.ts';
import { nearest } from '#nearest.ts';
import type { Operation } from '#operations/operation.ts';
import type { Change, Event, ServerInfo } from '#operations/platform.ts';
import type { Revision } from '#operations/resources.ts';

/**
 * @throws DaisError `invalid_request` for an invalid URL.
 */
export function createClient(options: ClientOptions): DaisClient {
  const transport = new Transport({
    url: options.url,
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    retry: options.retry ?? {},
    timeoutMs: options.timeoutMs ?? 60_000,
    sleep: options.sleep ?? sleepFor,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  });
  // Browsers have it only on secure pages.
  const newKey = options.newKey ?? (() => crypto.randomUUID?.());
  return new HttpClient(transport, options.project, newKey, new KindPaths(transport));
}

/** Kinds of a newer server are requested from it once. */
class KindPaths {
  readonly #transport: Transport;
  #served: Promise<ServerInfo['kinds']> | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async find(word: string): Promise<{ readonly plural: string; readonly scope: 'org' | 'project' }> {
    const known = findKind(word);
    if (known !== undefined) return known;
    const served = await this.#fromServer();
    const found = served.find((one) => one.kind === word || one.plural === word);
    if (found !== undefined) return found;
    const names = [...kinds, ...served].map((one) => one.kind);
    const near = nearest(word, names);
    throw new DaisError('unknown_kind', `There is no kind "${word}".`, {
      issues: [{ message: `there is no kind "${word}"`, ...(near !== undefined && { nearest: near }) }],
    });
  }

  async #fromServer(): Promise<ServerInfo['kinds']> {
    this.#served ??= this.#transport
      .call<ServerInfo>({ method: 'GET', path: '/api/v1/server', repeatable: true })
      .then((info) => info.kinds);
    try {
      return await this.#served;
    } catch (error) {
      this.#served = undefined;
      throw error;
    }
  }
}

class HttpClient implements DaisClient {
  readonly #transport: Transport;
  readonly #newKey: () => string | undefined;
  readonly #paths: KindPaths;
  readonly project: string | undefined;

  constructor(transport: Transport, project: string | undefined, newKey: () => string | undefined, paths: KindPaths) {
    this.#transport = transport;
    this.project = project;
    this.#newKey = newKey;
    this.#paths = paths;
  }

  get url(): string {
    return this.#transport.address;
  }

  withProject(project: string | undefined): DaisClient {
    return new HttpClient(this.#transport, project, this.#newKey, this.#paths);
  }

  async server(settings?: CallSettings): Promise<ServerInfo> {
    return await this.#read('/api/v1/server', {}, settings);
  }

  async *list<K extends string>(kind: K, query: ListQuery = {}, settings?: CallSettings) {
    yield* allPages((cursor) => this.listPage(kind, { ...query, cursor }, settings));
  }

  async listPage<K extends string>(
    kind: K,
    query: ListQuery & { cursor?: string | undefined } = {},
    settings?: CallSettings,
  ) {
    return await this.#read<Page<ResourceOf<K>>>(await this.#pathOf(kind), { ...query }, settings);
  }

  async get<K extends string>(kind: K, name: string, settings?: CallSettings) {
    return await this.#read<ResourceOf<K>>(await this.#pathOf(kind, name), {}, settings);
  }

  async create<K extends string>(kind: K, manifest: ManifestInput<K>, settings?: WriteSettings) {
    const call = { method: 'POST', path: await this.#pathOf(kind), body: manifestBody(manifest) } as const;
    return await this.#write<ResourceOf<K>>(call, settings);
  }

  async update<K extends string>(
    kind: K,
    name: string,
    manifest: ManifestInput<K>,
    settings: WriteSettings & { resourceVersion?: string | undefined } = {},
  ) {
    const path = await this.#pathOf(kind, name);
    const call = { method: 'PUT', path, body: manifestBody(manifest), headers: ifMatch(settings) } as const;
    return await this.#write<ResourceOf<K>>(call, settings);
  }

  async delete<K extends string>(
    kind: K,
    name: string,
    settings: WriteSettings & { resourceVersion?: string | undefined } = {},
  ) {
    const path = await this.#pathOf(kind, name);
    return await this.#write<ResourceOf<K>>({ method: 'DELETE', path, headers: ifMatch(settings) }, settings);
  }

  async *history(kind: string, name: string, query: { limit?: number | undefined } = {}, settings?: CallSettings) {
    const path = `${await this.#pathOf(kind, name)}/history`;
    yield* allPages((cursor) => this.#read<Page<Revision>>(path, { ...query, cursor }, settings));
  }

  async rollback<K extends string>(
    kind: K,
    name: string,
    settings: WriteSettings & { generation?: number | undefined } = {},
  ) {
    const { generation } = settings;
    const path = `${await this.#pathOf(kind, name)}/actions/rollback`;
    const body = jsonBody(generation === undefined ? {} : { generation });
    return await this.#write<ResourceOf<K>>({ method: 'POST', path, body }, settings);
  }

  async action<K extends string, V extends string>(
    kind: K,
    name: string,
    verb: V,
    input: ActionInput<K, V>,
    settings?: WriteSettings,
  ) {
    const path = `${await this.#pathOf(kind, name)}/actions/${encodeURIComponent(verb)}`;
    return await this.#write<ActionOutput<K, V>>({ method: 'POST', path, body: jsonBody(input) }, settings);
  }

  async apply(input: ApplyInput, settings?: WriteSettings): Promise<readonly Change[]> {
    const call = { method: 'POST', path: this.#projectPath('/api/v1/apply'), body: jsonBody(input) } as const;
    return (await this.#write<{ changes: Change[] }>(call, settings)).changes;
  }

  async plan(input: ApplyInput, settings?: CallSettings): Promise<readonly Change[]> {
    const { changes } = await this.#transport.call<{ changes: Change[] }>({
      method: 'POST',
      path: this.#projectPath('/api/v1/plan'),
      body: jsonBody(input),
      repeatable: true,
      signal: settings?.signal,
    });
    return changes;
  }

  async *watch<K extends string>(kind: K, query: { labels?: string | undefined } = {}, settings: WatchSettings = {}) {
    yield* this.#stream<WatchEvent<ResourceOf<K>>>(await this.#pathOf(kind), { ...query }, settings);
  }

  async *events(query: EventQuery = {}, settings?: CallSettings) {
    yield* allPages((cursor) => this.eventsPage({ ...query, cursor }, settings));
  }

  async eventsPage(query: EventQuery & { cursor?: string | undefined } = {}, settings?: CallSettings) {
    const { organization, ...filter } = query;
    return await this.#read<Page<Event>>(this.#eventsPath(organization), filter, settings);
  }

  async *watchEvents(query: Omit<EventQuery, 'limit'> = {}, settings: WatchSettings = {}) {
    const { organization, ...filter } = query;
    yield* this.#stream<Event>(this.#eventsPath(organization), filter, settings);
  }

  async keys(settings?: CallSettings): Promise<readonly KeyUse[]> {
    return (await this.#read<{ items: KeyUse[] }>('/api/v1/keys', {}, settings)).items;
  }

  async rotateKeys(settings?: WriteSettings): Promise<KeyRotation> {
    return await this.#write<KeyRotation>(
      { method: 'POST', path: '/api/v1/keys/actions/rotate', body: jsonBody({}) },
      settings,
    );
  }

  async perform<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings?: PerformSettings,
  ): Promise<z.output<Output>> {
    const { idempotencyKey: key, repeatable, signal, timeoutMs } = settings ?? {};
    return await this.#transport.call<z.output<Output>>({
      ...this.#requestFor(operation, input),
      ...(key !== undefined && { headers: { 'idempotency-key': key } }),
      repeatable: repeatable ?? (key !== undefined || operation.mode === 'read'),
      signal,
      timeoutMs,
    });
  }

  async *follow<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    settings: WatchSettings = {},
  ) {
    const { path, query } = this.#requestFor(operation, input);
    yield* this.#stream<z.output<Output>>(path, query, settings);
  }

  async upload<Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
    bytes: ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>),
    settings?: CallSettings,
  ): Promise<z.output<Output>> {
    const repeatable = typeof bytes === 'function';
    const call = { ...this.#requestFor(operation, input), bytes, repeatable, signal: settings?.signal };
    return await this.#transport.call<z.output<Output>>(call);
  }

  async download<Input extends z.ZodType>(
    operation: Operation<Input>,
    input: z.input<Input>,
    settings?: CallSettings,
  ): ReturnType<DaisClient['download']> {
    const call = { ...this.#requestFor(operation, input), repeatable: true, signal: settings?.signal };
    return await this.#transport.download(call);
  }

  #requestFor(operation: Operation, input: unknown) {
    const { path, ...call } = operationCall(operation, input as Readonly<Record<string, unknown>>);
    return { ...call, path: operation.scope === 'org' ? path : this.#projectPath(path) };
  }

  #stream<T>(path: string, query: CallOptions['query'], settings: WatchSettings): AsyncGenerator<T> {
    const { resourceVersion, signal, onReconnect } = settings;
    return resumeStream<T>(this.#transport, { path, query, from: resourceVersion, signal, onReconnect });
  }

  async #read<T>(path: string, query: CallOptions['query'], settings?: CallSettings): Promise<T> {
    return await this.#transport.call<T>({
      method: 'GET',
      path,
      ...(query && { query }),
      repeatable: true,
      signal: settings?.signal,
    });
  }

  async #write<T>(call: Omit<CallOptions, 'repeatable'>, settings: WriteSettings = {}): Promise<T> {
    const key = settings.idempotencyKey ?? this.#newKey();
    return await this.#transport.call<T>({
      ...call,
      headers: { ...call.headers, ...(key !== undefined && { 'idempotency-key': key }) },
      repeatable: key !== undefined,
      signal: settings.signal,
    });
  }

  #eventsPath(organization: boolean | undefined): string {
    return organization === true ? '/api/v1/organization/events' : this.#projectPath('/api/v1/events');
  }

  #projectPath(path: string): string {
    return this.project === undefined ? path : `/p/${encodeURIComponent(this.project)}${path}`;
  }

  async #pathOf(word: string, name?: string): Promise<string> {
    const { plural, scope } = await this.#paths.find(word);
    const path = `/api/v1/${plural}${name === undefined ? '' : `/${encodeName(name)}`}`;
    return scope === 'org' ? path : this.#projectPath(path);
  }
}

async function* allPages<T>(read: (cursor: string | undefined) => Promise<Omit<Page<T>, 'resourceVersion'>>) {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function jsonBody(value: unknown): NonNullable<CallOptions['body']> {
  return { type: 'application/json', text: JSON.stringify(value) };
}

function manifestBody(manifest: object): NonNullable<CallOptions['body']> {
  if ('yaml' in manifest && typeof manifest.yaml === 'string') return { type: 'application/yaml', text: manifest.yaml };
  return jsonBody(manifest);
}

function ifMatch({ resourceVersion }: { readonly resourceVersion?: string | undefined }): Record<string, string> {
  return resourceVersion === undefined ? {} : { 'if-match': `"${resourceVersion}"` };
}

async function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      const reason: unknown = signal?.reason;
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
