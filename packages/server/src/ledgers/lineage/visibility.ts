/** Visibility of nodes for a caller. */
import { DaisError, type OperationTarget } from '@dais/api';
import type { LineageNode } from '@dais/api/lineage';
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { storedNodes, type StoredNode } from './neighbors.ts';
import { parseKey } from './node-key.ts';
import type { KnownNode, NodeSource } from './node-source.ts';

/** Visible nodes by key; a hidden node is `undefined`. */
export type VisibleNodes = ReadonlyMap<string, LineageNode | undefined>;

/** Determines visible nodes for one caller. Decisions are cached for a response, once per kind and resource. */
export class NodeVisibility {
  readonly #tx: Transaction;
  readonly #call: Pick<Call, 'authorize' | 'tenant'>;
  readonly #sources: ReadonlyMap<string, NodeSource>;
  readonly #decided = new Map<string, boolean>();

  constructor(tx: Transaction, call: Pick<Call, 'authorize' | 'tenant'>, sources: readonly NodeSource[]) {
    this.#tx = tx;
    this.#call = call;
    this.#sources = new Map(sources.map((source) => [source.type, source]));
  }

  /** Returns nodes that the caller may see. Nodes without a ledger are visible if a neighbor is. */
  async visibleNodes(keys: readonly string[]): Promise<VisibleNodes> {
    const stored = new Map((await storedNodes(this.#tx, keys)).map((node) => [node.key, node]));
    const known = await this.#known(keys);
    const seen = new Map<string, LineageNode | undefined>();
    for (const key of keys) {
      const { type = 'dataset' } = parseKey(key) ?? {};
      const source = this.#sources.get(type);
      const what = known.get(key);
      const visible = source === undefined || (await this.#may(source.action, what?.target ?? source.target));
      seen.set(key, visible ? this.#present(key, stored.get(key), source, what) : undefined);
    }
    return seen;
  }

  /** Returns whether the node has a description besides its edges. */
  async isKnown(key: string): Promise<boolean> {
    return (await this.#known([key])).has(key) || (await storedNodes(this.#tx, [key])).length > 0;
  }

  async #known(keys: readonly string[]): Promise<ReadonlyMap<string, KnownNode>> {
    const known = new Map<string, KnownNode>();
    for (const [type, source] of this.#sources) {
      const ids = keys.flatMap((key) => (key.startsWith(`${type}:`) ? key.slice(type.length + 1) : []));
      if (ids.length === 0) continue;
      for (const [id, node] of await source.describe(this.#tx, ids)) known.set(`${type}:${id}`, node);
    }
    return known;
  }

  #present(
    key: string,
    stored: StoredNode | undefined,
    source: NodeSource | undefined,
    known: KnownNode | undefined,
  ): LineageNode {
    const { type = 'dataset' } = parseKey(key) ?? {};
    const name = known?.name ?? stored?.name ?? undefined;
    const at = known?.at ?? (stored === undefined ? undefined : Number(stored.at));
    const data = known?.data ?? stored?.data;
    const gone = source === undefined ? false : (known?.gone ?? true);
    return {
      node: key,
      type,
      ...(name !== undefined && { name }),
      project: this.#call.tenant.name,
      ...(at !== undefined && { at }),
      ...(gone && { gone: true as const }),
      ...(data !== undefined && Object.keys(data).length > 0 && { data: { ...data } }),
    };
  }

  async #may(action: string, target: OperationTarget): Promise<boolean> {
    const key = JSON.stringify([action, target.kind, target.name]);
    const before = this.#decided.get(key);
    if (before !== undefined) return before;
    const may = await this.#ask(action, target);
    this.#decided.set(key, may);
    return may;
  }

  async #ask(action: string, target: OperationTarget): Promise<boolean> {
    try {
      await this.#call.authorize(target, this.#call.tenant, action);
      return true;
    } catch (error) {
      if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
      throw error;
    }
  }
}

/** Returns names by key. Nodes without a name are missing. */
export async function nodeNames(
  tx: Transaction,
  keys: readonly string[],
  sources: readonly NodeSource[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const { key, name } of await storedNodes(tx, keys)) if (name !== null) names.set(key, name);
  for (const source of sources) {
    const prefix = `${source.type}:`;
    const ids = keys.flatMap((key) => (key.startsWith(prefix) ? key.slice(prefix.length) : []));
    if (ids.length === 0) continue;
    for (const [id, { name }] of await source.describe(tx, ids)) names.set(`${prefix}${id}`, name);
  }
  return names;
}

/** Returns the keys of nodes that the caller may read. */
export async function readableNodes(
  tx: Transaction,
  call: Pick<Call, 'authorize' | 'tenant'>,
  keys: readonly string[],
  sources: readonly NodeSource[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const seen = await new NodeVisibility(tx, call, sources).visibleNodes(keys);
  return new Set(keys.filter((key) => seen.get(key) !== undefined));
}
