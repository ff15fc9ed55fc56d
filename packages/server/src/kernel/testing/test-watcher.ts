/** Readers of watch streams. */
import type { Resource } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import type { TestKernel, WatchFrame } from './test-kernel.ts';

/** A client that keeps its state from a watch, like consoles, caches and gateways. */
export class TestWatcher {
  readonly frames: WatchFrame[] = [];
  /** By name, the last state received. */
  readonly known = new Map<string, Resource>();
  /** Errors of the stream as text; empty if there are none. */
  readonly problems: string[] = [];
  place: string | undefined;
  ended: unknown;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    open: (signal: AbortSignal) => Promise<AsyncIterable<WatchFrame>>,
    known: readonly Resource[] = [],
    position?: string,
  ) {
    for (const one of known) this.known.set(one.metadata.name, one);
    this.place = position;
    this.#done = this.#read(open).catch((error: unknown) => {
      this.ended = error;
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Resolves when the stream has ended on its own. */
  async whenEnded(): Promise<unknown> {
    await this.#done;
    return this.ended;
  }

  /** The state up to the start of the watch was received at least once. */
  get caughtUp(): boolean {
    return this.frames.some((frame) => frame.type === 'bookmark');
  }

  /** `added a`, `modified b`, … without bookmarks. */
  get lines(): string[] {
    return this.frames.flatMap(({ type, object }) => (object === undefined ? [] : [`${type} ${object.metadata.name}`]));
  }

  async #read(open: (signal: AbortSignal) => Promise<AsyncIterable<WatchFrame>>): Promise<void> {
    for await (const frame of await open(this.#stop.signal)) {
      this.frames.push(frame);
      this.#check(frame);
      this.place = frame.resourceVersion;
    }
  }

  #check({ type, resourceVersion, object }: WatchFrame): void {
    if (this.place !== undefined && seqOf(resourceVersion) < seqOf(this.place)) {
      this.problems.push(`the position went back from ${this.place} to ${resourceVersion}`);
    }
    if (object === undefined) return;
    if (this.place !== undefined && seqOf(resourceVersion) === seqOf(this.place)) {
      this.problems.push(`${resourceVersion} was delivered twice`);
    }
    const { name, uid, resourceVersion: version } = object.metadata;
    const before = this.known.get(name);
    if (before?.metadata.uid === uid && BigInt(version) < BigInt(before.metadata.resourceVersion)) {
      this.problems.push(`${name} went back from ${before.metadata.resourceVersion} to ${version}`);
    }
    if (type === 'deleted') {
      // One of the same name can exist since: its own event follows.
      if (before?.metadata.uid === uid) this.known.delete(name);
    } else this.known.set(name, object);
  }
}

export function seqOf(position: string): bigint {
  return BigInt(position.split('-')[1] ?? '');
}

/** Lists, then watches from the place of the list: what every client does first. */
export async function listAndWatch(
  dais: TestKernel,
  noun: string,
  input: object = {},
  context: Partial<CallContext> = {},
): Promise<TestWatcher> {
  const known: Resource[] = [];
  let position: string | undefined;
  let cursor: string | undefined;
  do {
    const page = await dais.call<{ items: Resource[]; nextCursor?: string; resourceVersion: string }>(
      `${noun}.list`,
      { limit: 50, ...input, ...(cursor !== undefined && { cursor }) },
      context,
    );
    known.push(...page.items);
    // The position of the first page: the watch delivers what later pages miss.
    position ??= page.resourceVersion;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return watchFrom(dais, noun, { ...input, resourceVersion: position }, context, known);
}

export function watchFrom(
  dais: TestKernel,
  noun: string,
  input: { readonly resourceVersion?: string | undefined; readonly [field: string]: unknown } = {},
  context: Partial<CallContext> = {},
  known: readonly Resource[] = [],
): TestWatcher {
  const open = (signal: AbortSignal) => dais.watch(`${noun}.watch`, input, { ...context, signal });
  return new TestWatcher(open, known, input.resourceVersion);
}
