/** For tests of the state machine: a minimal in-memory implementation of `RunStore`. */
import { freshNode } from '../machine/machine.ts';
import type { Values } from '../machine/plan.ts';
import type {
  Change,
  NewNode,
  NodeEnd,
  NodeFacts,
  NodeState,
  RunStore,
  Settled,
  TimerKind,
} from '../machine/run-store.ts';
import { isEnd } from '../machine/end-states.ts';
import type { Ended, EndState } from '../machine/values.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type MemoryNode = Mutable<NodeFacts> & {
  outputs: Values;
  error: string | undefined;
  source: string | undefined;
};

export class MemoryStore implements RunStore {
  canceling = false;
  readonly nodes = new Map<string, MemoryNode>();
  readonly timers: { readonly node: string; readonly kind: TimerKind }[] = [];
  ended: { readonly state: EndState; readonly outputs: Values; readonly error: string | undefined } | undefined;
  /** Number of starts and ends of each node. */
  readonly ends = new Map<string, number>();
  readonly #edges: (readonly [string, string])[] = [];
  #made = 0;

  newId(): string {
    this.#made += 1;
    return `n${this.#made}`;
  }

  async node(id: string): Promise<MemoryNode> {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  in(...states: readonly NodeState[]): MemoryNode[] {
    return [...this.nodes.values()].filter(({ state }) => states.includes(state));
  }

  async change(changes: readonly Change[]): Promise<void> {
    for (const { id, from, to, inputs, outputs, error, source, total, count } of changes) {
      const node = await this.node(id);
      if (node.state !== from) throw new Error(`${node.path} is ${node.state}, not ${from}`);
      node.state = to;
      node.inputs = inputs ?? node.inputs;
      node.outputs = outputs ?? node.outputs;
      node.error = error ?? node.error;
      node.source = source ?? node.source;
      node.total = total ?? node.total;
      if (count !== undefined) node[count] += 1;
      if (isEnd(to)) this.ends.set(node.path, (this.ends.get(node.path) ?? 0) + 1);
    }
  }

  async insert(nodes: readonly NewNode[], edges: readonly (readonly [string, string])[]): Promise<void> {
    for (const node of nodes) {
      if ([...this.nodes.values()].some(({ path }) => path === node.path)) throw new Error(`${node.path} twice`);
      this.nodes.set(node.id, {
        ...freshNode(node),
        outputs: {},
        error: undefined,
        source: undefined,
      });
      const parent = node.parent === undefined ? undefined : this.nodes.get(node.parent);
      if (parent === undefined) continue;
      parent.open += 1;
      if (node.iteration !== undefined) parent.expanded += 1;
    }
    this.#edges.push(...edges);
  }

  async end(ends: readonly NodeEnd[]): Promise<Settled> {
    await this.change(ends);
    const released = await this.#release(ends.map(({ id, to }) => ({ id, state: to })));
    const parents = await this.#count(
      ends.flatMap(({ parent, to }) => (parent === undefined ? [] : [{ parent, state: to }])),
    );
    return { released, parents };
  }

  async #release(ended: readonly { readonly id: string; readonly state: EndState }[]): Promise<readonly NodeFacts[]> {
    const touched = new Set<MemoryNode>();
    for (const { id, state } of ended) {
      for (const [from, to] of this.#edges) {
        if (from !== id) continue;
        const node = await this.node(to);
        node.waits -= 1;
        if (state === 'skipped') node.skipped += 1;
        else if (state !== 'succeeded') node.bad += 1;
        touched.add(node);
      }
    }
    return [...touched].filter((node) => node.waits === 0 && node.state === 'pending').map((node) => ({ ...node }));
  }

  async #count(ended: readonly { readonly parent: string; readonly state: EndState }[]): Promise<readonly NodeFacts[]> {
    const touched = new Set<MemoryNode>();
    for (const { parent, state } of ended) {
      const node = await this.node(parent);
      node.open -= 1;
      if (state === 'failed' || state === 'blocked') node.broken += 1;
      if (state === 'canceled') node.canceled += 1;
      touched.add(node);
    }
    return [...touched].map((node) => ({ ...node }));
  }

  async siblings(parent: string, tasks: readonly string[]): Promise<ReadonlyMap<string, Ended>> {
    const found = [...this.nodes.values()].flatMap((node): [string, Ended][] => {
      const name = node.path.slice(node.path.lastIndexOf('/') + 1);
      const expected = node.parent === parent && node.iteration === undefined && tasks.includes(name);
      const { outputs, error } = node;
      return expected && isEnd(node.state) ? [[name, { state: node.state, outputs, error }]] : [];
    });
    return new Map(found);
  }

  async iterations(loop: string): Promise<readonly Values[]> {
    return [...this.nodes.values()]
      .filter((node) => node.parent === loop && node.iteration !== undefined)
      .toSorted((one, other) => (one.iteration ?? 0) - (other.iteration ?? 0))
      .map(({ outputs }) => outputs);
  }

  async notStarted(): Promise<readonly NodeFacts[]> {
    return [...this.nodes.values()]
      .filter(
        ({ state, kind, open }) =>
          ['pending', 'ready', 'delayed'].includes(state) || (state === 'running' && kind === 'loop' && open === 0),
      )
      .map((node) => ({ ...node }));
  }

  async timer(node: string, kind: TimerKind): Promise<void> {
    this.timers.push({ node, kind });
  }

  async finish(state: EndState, outputs: Values, error: string | undefined): Promise<void> {
    if (this.ended !== undefined) throw new Error('the run ended twice');
    this.ended = { state, outputs, error };
  }
}
