import type { Ended, EndState } from './values.ts';
import type { Values } from './plan.ts';

export type NodeState = 'waiting' | 'ready' | 'delayed' | 'running' | EndState;
export type NodeKind = 'step' | 'graph' | 'loop';
/** How a step came to its outputs without running, when it did not run. */
export type NodeSource = 'cache' | 'reused';

export interface NewNode {
  readonly id: string;
  /** Undefined: the root. */
  readonly parent: string | undefined;
  /** Unique in the run: `train/3/fit`. */
  readonly path: string;
  /** Where its task stands in the plan: `train/fit`. Of an iteration: that of the loop. */
  readonly place: string;
  readonly iteration: number | undefined;
  readonly kind: NodeKind;
  readonly state: NodeState;
  /** How many of those before it have not ended. */
  readonly waits: number;
  readonly inputs?: Values;
}

export interface NodeFacts extends Omit<NewNode, 'inputs'> {
  /** Of those before it: how many ended badly, and how many were skipped. */
  readonly bad: number;
  readonly skipped: number;
  /** Of its children: how many have not ended, ended badly, were cancelled. */
  readonly open: number;
  readonly broken: number;
  readonly cancelled: number;
  /** Of a loop: how many items there are, and for how many there is an iteration. */
  readonly total: number;
  readonly expanded: number;
  readonly inputs: Values;
  /** Attempts that failed, and attempts that the platform lost. */
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
  /** Adds one. */
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
 * The rows of one run inside one transaction that has locked it: what the machine decides from and writes to. Every method
 * sees what those before it wrote.
 */
export interface RunStore {
  readonly cancelling: boolean;
  newId(): string;
  node(id: string): Promise<NodeFacts>;
  /** Fails the transaction, so that it starts over, when a node is no longer in the state it is changed from. */
  change(changes: readonly Change[]): Promise<void>;
  /** Counts the new nodes in their parents. `edges`: who waits for whom. */
  insert(nodes: readonly NewNode[], edges: readonly (readonly [from: string, to: string])[]): Promise<void>;
  /**
   * Changes nodes to how they ended, which tells those that wait and counts in the parents. Gives those that now wait for
   * nobody, and each of the parents once. Fails as `change` does.
   */
  end(ends: readonly NodeEnd[]): Promise<Settled>;
  /** Children of a graph, by the names of their tasks, that have ended. */
  siblings(parent: string, tasks: readonly string[]): Promise<ReadonlyMap<string, Ended>>;
  /** Outputs of the iterations of a loop, in their order. */
  iterations(loop: string): Promise<readonly Values[]>;
  /** Whatever has not begun, and loops that run without an open iteration. */
  unbegun(): Promise<readonly NodeFacts[]>;
  timer(node: string, kind: TimerKind, delayMs: number): Promise<void>;
  finish(state: EndState, outputs: Values, error: string | undefined): Promise<void>;
}

export type TimerKind = 'retry' | 'expand';
