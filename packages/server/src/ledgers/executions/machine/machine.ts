/**
 * The state machine of a run. It decides from the rows of neighboring nodes, never from the whole run. It has no clock and
 * creates no ids, so that tests can check it with thousands of random runs in memory. docs/internals/executions.md
 * describes the rules.
 */
import { graphAt, needsOf, sourcesOf, taskAt, type Graph, type Task, type Values } from './plan.ts';
import type { Change, NewNode, NodeFacts, NodeSource, RunStore } from './run-store.ts';
import { collect, isTrue, itemsOf, resolveInputs, ValueError, type Ended, type EndState } from './values.ts';

/** The end of an attempt at a step. */
export type StepEnd =
  | { readonly is: 'succeeded'; readonly outputs: Values; readonly source?: NodeSource }
  /** `final`: a retry would fail in the same way. */
  | { readonly is: 'failed'; readonly error: string; readonly final?: true }
  /** The result is unknown, or the platform failed. */
  | { readonly is: 'lost'; readonly error: string }
  | { readonly is: 'canceled' };

/** Iterations that one transaction creates; fewer where each contains several tasks. */
const EXPAND_STEPS = 1000;
const EXPAND_GRAPHS = 50;
/** Lost attempts of one step before it fails. The delay between them starts at one second and doubles. */
const MOST_LOSSES = 3;
const LOSS_DELAY_MS = 1000;
/** For the error of a failed graph: tasks that are searched for the cause, and characters of the message. */
const MOST_CHECKED = 1000;
const LONGEST_ERROR = 2000;

interface Ending {
  readonly node: NodeFacts;
  readonly state: EndState;
  readonly outputs?: Values;
  readonly error?: string;
  readonly source?: NodeSource;
  readonly inputs?: Values;
}

/** A node that is about to start, with its inputs. */
interface Opening {
  readonly node: NodeFacts;
  readonly task: Task;
  readonly inputs: Values;
}

export class Machine {
  readonly #plan: Graph;
  readonly #store: RunStore;

  constructor(plan: Graph, store: RunStore) {
    this.#plan = plan;
    this.#store = store;
  }

  async begin(inputs: Values): Promise<void> {
    const root: NewNode = {
      id: this.#store.newId(),
      parent: undefined,
      path: '',
      place: '',
      iteration: undefined,
      kind: 'graph',
      state: 'pending',
      waits: 0,
    };
    await this.#store.insert([root], []);
    await this.#settle(await this.#openGraphs([{ node: freshNode(root), graph: this.#plan, inputs }]));
  }

  async stepEnded(node: NodeFacts, end: StepEnd): Promise<void> {
    const { canceling } = this.#store;
    const error = 'error' in end ? end.error : 'canceled';
    if (end.is === 'succeeded') {
      const { outputs, source } = end;
      return await this.#settle([{ node, state: 'succeeded', outputs, ...(source !== undefined && { source }) }]);
    }
    if (canceling && end.is !== 'failed') return await this.#settle([{ node, state: 'canceled' }]);
    const delayMs = canceling ? undefined : this.#retryDelay(node, end);
    if (delayMs === undefined) return await this.#settle([{ node, state: 'failed', error }]);
    const to = delayMs === 0 ? 'ready' : 'delayed';
    const count = end.is === 'lost' ? 'losses' : 'failures';
    await this.#store.change([{ id: node.id, from: 'running', to, error, count }]);
    if (delayMs > 0) await this.#store.timer(node.id, 'retry', delayMs);
  }

  /** Returns the delay before the next attempt. Undefined: there is no further attempt. */
  #retryDelay(node: NodeFacts, end: StepEnd): number | undefined {
    if (end.is === 'lost') return node.losses < MOST_LOSSES ? LOSS_DELAY_MS * 2 ** node.losses : undefined;
    const { retry } = taskAt(this.#plan, node.place);
    if (end.is !== 'failed' || end.final === true || retry === undefined || node.failures >= retry.count) {
      return undefined;
    }
    return Math.min(retry.delayMs * retry.factor ** node.failures, retry.maxDelayMs);
  }

  /** Makes a step ready after its retry delay. */
  async retryDue(node: NodeFacts): Promise<void> {
    if (node.state === 'delayed') await this.#store.change([{ id: node.id, from: 'delayed', to: 'ready' }]);
  }

  /** Creates further iterations of a loop. */
  async expandDue(node: NodeFacts): Promise<void> {
    if (node.state === 'running') await this.#settle(await this.#expand(node));
  }

  /** Cancels the nodes that have not started. Workers stop the running steps. The store reports `canceling` from now on. */
  async cancel(): Promise<void> {
    const notStarted = await this.#store.notStarted();
    await this.#settle(notStarted.map((node) => ({ node, state: 'canceled' })));
  }

  async #settle(first: readonly Ending[]): Promise<void> {
    for (let ending = first; ending.length > 0;) {
      const { released, parents } = await this.#store.end(
        ending.map(({ node, state, ...more }) => ({
          ...more,
          id: node.id,
          parent: node.parent,
          from: node.state,
          to: state,
        })),
      );
      const next = [...(await this.#start(released, new Map(parents.map((parent) => [parent.id, parent]))))];
      for (const parent of parents) next.push(...(await this.#afterChild(parent)));
      const root = ending.find(({ node }) => node.parent === undefined);
      if (root !== undefined) await this.#store.finish(root.state, root.outputs ?? {}, root.error);
      ending = next;
    }
  }

  /** Starts nodes that wait for no other node, and returns those that ended immediately. */
  async #start(nodes: readonly NodeFacts[], known: ReadonlyMap<string, NodeFacts>): Promise<Ending[]> {
    const endings: Ending[] = [];
    const steps: Change[] = [];
    const graphs: (Opening & { readonly graph: Graph })[] = [];
    for (const [parentId, group] of groupByParent(nodes)) {
      const parent = known.get(parentId) ?? (await this.#store.node(parentId));
      const tasks = group.map((node) => ({ node, task: taskAt(this.#plan, node.place) }));
      const sources = [...new Set(tasks.flatMap(({ task }) => sourcesOf(task)))];
      const siblings = sources.length === 0 ? NOBODY : await this.#store.siblings(parentId, sources);
      for (const { node, task } of tasks) {
        const admission = this.#admit(node, task, parent.inputs, siblings);
        if ('state' in admission) endings.push({ node, ...admission });
        else if (node.kind === 'loop') endings.push(...(await this.#openLoop({ node, task, ...admission })));
        else if ('graph' in task.body) graphs.push({ node, task, ...admission, graph: task.body.graph });
        else steps.push({ id: node.id, from: node.state, to: 'ready', inputs: admission.inputs });
      }
    }
    if (steps.length > 0) await this.#store.change(steps);
    if (graphs.length > 0) endings.push(...(await this.#openGraphs(graphs)));
    return endings;
  }

  #admit(
    node: NodeFacts,
    task: Task,
    given: Values,
    siblings: ReadonlyMap<string, Ended>,
  ): { readonly inputs: Values } | (Pick<Ending, 'error' | 'inputs'> & { readonly state: EndState }) {
    if (this.#store.canceling) return { state: 'canceled' };
    if (task.after === 'succeeded' && node.bad > 0) return { state: 'blocked' };
    if (task.after === 'succeeded' && node.skipped > 0) return { state: 'skipped' };
    try {
      const inputs = resolveInputs(task, given, siblings);
      if (task.when !== undefined && !isTrue(task.when, inputs)) return { state: 'skipped', inputs };
      if (task.each !== undefined) itemsOf(inputs[task.each.items], task.each.items);
      return { inputs };
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return { state: 'failed', error: error.message };
    }
  }

  /** Creates the children of graphs in one batch. */
  async #openGraphs(
    openings: readonly { readonly node: NodeFacts; readonly graph: Graph; readonly inputs: Values }[],
  ): Promise<Ending[]> {
    const nodes: NewNode[] = [];
    const edges: [string, string][] = [];
    for (const { node, graph } of openings) {
      const ids = new Map(Object.keys(graph.tasks).map((name) => [name, this.#store.newId()]));
      for (const [name, task] of Object.entries(graph.tasks)) {
        const id = ids.get(name)!;
        const needs = needsOf(task);
        const below = (path: string) => (path === '' ? name : `${path}/${name}`);
        nodes.push({
          id,
          parent: node.id,
          path: below(node.path),
          place: below(node.place),
          iteration: undefined,
          kind: task.each !== undefined ? 'loop' : 'graph' in task.body ? 'graph' : 'step',
          state: 'pending',
          waits: needs.length,
        });
        edges.push(...needs.map((need): [string, string] => [ids.get(need)!, id]));
      }
    }
    await this.#store.change(
      openings.map(({ node, inputs }) => ({ id: node.id, from: node.state, to: 'running', inputs })),
    );
    if (nodes.length > 0) await this.#store.insert(nodes, edges);
    const opened = new Map(
      openings.map(({ node, inputs }) => [node.id, { ...node, state: 'running' as const, inputs }]),
    );
    const endings = await this.#start(nodes.filter(({ waits }) => waits === 0).map(freshNode), opened);
    // A graph without tasks ends immediately.
    for (const { node, graph } of openings) {
      if (Object.keys(graph.tasks).length === 0) endings.push(await this.#end(opened.get(node.id)!));
    }
    return endings;
  }

  async #openLoop({ node, task, inputs }: Opening): Promise<Ending[]> {
    const { items = '' } = task.each ?? {};
    const total = itemsOf(inputs[items], items).length;
    await this.#store.change([{ id: node.id, from: node.state, to: 'running', inputs, total }]);
    const opened: NodeFacts = { ...node, state: 'running', inputs, total };
    return total === 0 ? [await this.#end(opened)] : await this.#expand(opened);
  }

  /** Creates further iterations of a loop, up to its parallelism and the limit of one transaction. */
  async #expand(loop: NodeFacts): Promise<Ending[]> {
    const task = taskAt(this.#plan, loop.place);
    const { items = '', as = '', parallel = 0 } = task.each ?? {};
    const graph = 'graph' in task.body ? task.body.graph : undefined;
    const atOnce = graph === undefined ? EXPAND_STEPS : EXPAND_GRAPHS;
    const room = parallel === 0 ? Infinity : parallel - loop.open;
    const from = loop.expanded;
    const to = from + Math.min(loop.total - from, atOnce, room);
    if (to <= from || this.#store.canceling) return [];
    const { [items]: list, ...others } = loop.inputs;
    const made = itemsOf(list, items)
      .slice(from, to)
      .map((item, index) => ({
        id: this.#store.newId(),
        parent: loop.id,
        path: `${loop.path}/${from + index}`,
        place: loop.place,
        iteration: from + index,
        kind: graph === undefined ? ('step' as const) : ('graph' as const),
        state: graph === undefined ? ('ready' as const) : ('pending' as const),
        waits: 0,
        inputs: { ...others, [as]: item },
      }));
    await this.#store.insert(made, []);
    // With a limit of parallel iterations, the end of an iteration creates the next.
    if (to < loop.total && (parallel === 0 || room > to - from)) await this.#store.timer(loop.id, 'expand', 0);
    if (graph === undefined) return [];
    return await this.#openGraphs(made.map((node) => ({ node: freshNode(node), graph, inputs: node.inputs })));
  }

  async #afterChild(parent: NodeFacts): Promise<Ending[]> {
    if (parent.kind === 'loop' && parent.expanded < parent.total && !this.#store.canceling) {
      const { parallel = 0 } = taskAt(this.#plan, parent.place).each ?? {};
      // Without a limit, a timer creates the others.
      return parallel === 0 ? [] : await this.#expand(parent);
    }
    return parent.open === 0 ? [await this.#end(parent)] : [];
  }

  async #end(node: NodeFacts): Promise<Ending> {
    const outputs =
      node.kind === 'loop' ? await this.#loopOutputs(node) : await this.#graphOutputs(node, this.#graphOf(node));
    if (node.canceled > 0 || node.expanded < node.total) return { node, state: 'canceled', outputs };
    if (node.broken === 0) return { node, state: 'succeeded', outputs };
    const what = `${node.kind === 'loop' ? 'iteration' : 'task'}${node.broken === 1 ? '' : 's'}`;
    const error = `${node.broken} ${what} did not succeed`;
    return { node, state: 'failed', outputs, error: `${error}${await this.#firstError(node)}` };
  }

  /** Returns the first failed task of a graph with its error, for the error of the whole graph. */
  async #firstError(node: NodeFacts): Promise<string> {
    if (node.kind === 'loop') return '';
    const names = Object.keys(this.#graphOf(node).tasks).slice(0, MOST_CHECKED);
    const ended = await this.#store.siblings(node.id, names);
    const found = [...ended].find(([, { state, error }]) => state === 'failed' && error !== undefined);
    return found === undefined ? '' : `: ${found[0]}: ${found[1].error}`.slice(0, LONGEST_ERROR);
  }

  #graphOf(node: NodeFacts): Graph {
    return graphAt(this.#plan, node.place);
  }

  async #graphOutputs(node: NodeFacts, graph: Graph): Promise<Values> {
    const tasks = [...new Set(Object.values(graph.outputs).flatMap((sources) => sources.map(({ task }) => task)))];
    if (tasks.length === 0) return {};
    const ended = await this.#store.siblings(node.id, tasks);
    return Object.fromEntries(
      Object.entries(graph.outputs).flatMap(([name, sources]) => {
        const source = sources.find(
          ({ task, output }) =>
            ended.get(task)?.state === 'succeeded' && ended.get(task)?.outputs[output] !== undefined,
        );
        const value = source === undefined ? undefined : ended.get(source.task)?.outputs[source.output];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  async #loopOutputs(loop: NodeFacts): Promise<Values> {
    const { body } = taskAt(this.#plan, loop.place);
    const names = Object.keys('step' in body ? body.step.outputs : body.graph.outputs);
    if (names.length === 0) return {};
    const all = await this.#store.iterations(loop.id);
    return Object.fromEntries(
      names.flatMap((name) => {
        const value = collect(all, name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }
}

const NOBODY: ReadonlyMap<string, Ended> = new Map();

function groupByParent(nodes: readonly NodeFacts[]): ReadonlyMap<string, readonly NodeFacts[]> {
  const groups = new Map<string, NodeFacts[]>();
  for (const node of nodes) {
    const group = groups.get(node.parent ?? '');
    if (group === undefined) groups.set(node.parent ?? '', [node]);
    else group.push(node);
  }
  return groups;
}

/** Returns the facts of a new node. */
export function freshNode({ inputs = {}, ...node }: NewNode): NodeFacts {
  return {
    ...node,
    inputs,
    bad: 0,
    skipped: 0,
    open: 0,
    broken: 0,
    canceled: 0,
    total: 0,
    expanded: 0,
    failures: 0,
    losses: 0,
  };
}
