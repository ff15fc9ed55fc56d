import type { Ended, EndState } from './values.ts';
import type { Values } from './plan.ts';

export type NodeState = 'pending' | 'ready' | 'delayed' | 'running' | EndState;
export type NodeKind = 'step' | 'graph' | 'loop';
/** Why a step has outputs without having run: from the cache, or reused from the retried run. */
export type NodeSource = 'cache' | 'reused';

export interface NewNode {
  readonly id: string;
  /** Undefined: the root. */
  readonly parent: string | undefined;
  /** Unique in the run: `train/3/fit`. */
  readonly path: string;
  /** Path of its task in the plan: `train/fit`. An iteration has the path of its loop. */
  readonly place: string;
  readonly iteration: number | undefined;
  readonly kind: NodeKind;
  readonly state: NodeState;
  /** Number of dependencies that have not ended. */
  readonly waits: number;
  readonly inputs?: Values;
}

export interface NodeFacts extends Omit<NewNode, 'inputs'> {
  /** Number of dependencies that failed or were blocked or canceled, and that were skipped. */
  readonly bad: number;
  readonly skipped: number;
  /** Number of children that have not ended, that failed or were blocked, and that were canceled. */
  readonly open: number;
  readonly broken: number;
  readonly canceled: number;
  /** For a loop: the number of items, and of created iterations. */
  readonly total: number;
  readonly expanded: number;
  readonly inputs: Values;
  /** Number of failed attempts, and of lost attempts. */
  readonly failures: number;
  readonly losses: number;
}

export interface Change {
  readonly id: string;
  readonly from: NodeState;
  readonly to: NodeState;
  readonly inputs?: Values | undefined;
  readonly outputs?: Values | undefined;
  readonly error?: string | undefined;
  readonly source?: NodeSource | undefined;
  readonly total?: number;
  /** The counter to increment. */
  readonly count?: 'failures' | 'losses';
}

export interface NodeEnd extends Change {
  readonly parent: string | undefined;
  readonly to: EndState;
}

export interface Settled {
  readonly released: readonly NodeFacts[];
  readonly parents: readonly NodeFacts[];
}

/**
 * The rows of one run within a transaction that has locked it. The state machine reads and writes them. Every method sees
 * the writes of earlier calls.
 */
export interface RunStore {
  readonly canceling: boolean;
  newId(): string;
  node(id: string): Promise<NodeFacts>;
  /** Fails the transaction, so that it is retried, if a node is no longer in the state `from`. */
  change(changes: readonly Change[]): Promise<void>;
  /** Inserts nodes and counts them in their parents. `edges`: dependencies. */
  insert(nodes: readonly NewNode[], edges: readonly (readonly [from: string, to: string])[]): Promise<void>;
  /**
   * Ends nodes, and updates the counts of their dependents and parents. Returns the dependents that now wait for no other
   * node, and each parent once. Fails as `change` does.
   */
  end(ends: readonly NodeEnd[]): Promise<Settled>;
  /** Returns the ended children of a graph, by task name. */
  siblings(parent: string, tasks: readonly string[]): Promise<ReadonlyMap<string, Ended>>;
  /** Returns the outputs of the iterations of a loop, in order. */
  iterations(loop: string): Promise<readonly Values[]>;
  /** Returns nodes that have not started, and running loops without an open iteration. */
  notStarted(): Promise<readonly NodeFacts[]>;
  timer(node: string, kind: TimerKind, delayMs: number): Promise<void>;
  finish(state: EndState, outputs: Values, error: string | undefined): Promise<void>;
}

export type TimerKind = 'retry' | 'expand';
