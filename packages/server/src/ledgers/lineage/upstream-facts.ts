/** Facts across the lineage: an upstream walk, and values of the reached nodes from their ledgers. */
import type { LineageNodeType } from '@dais/api/lineage';
import type { Facts, FactSubject } from '@dais/api/access';
import type { FactProvider } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { storedNodes } from './neighbors.ts';
import { pathTo, walkUpstream, type UpstreamWalk, type WalkLimits } from './upstream-walk.ts';

/** The value of a node, or the reason why it is unknown. */
export type NodeMeasure =
  | { readonly node: string; readonly value: number; readonly cause?: string }
  | { readonly node: string; readonly unknown: string };

/** Interface: a fact about upstream nodes, from the ledger of their type. */
export interface UpstreamMeasure {
  readonly fact: string;
  readonly nodes: LineageNodeType;
  /** `sum` of the values, or a list of words of which the highest value selects one. */
  readonly combine: 'sum' | readonly string[];
  /** Returns one value per id; ids are without their type. `walk`: the path to them. */
  measure(tx: Transaction, ids: readonly string[], walk: UpstreamWalk): Promise<readonly NodeMeasure[]>;
}

/** Start nodes of the walk, and starts that could not be found. */
export interface Starts {
  readonly keys: readonly string[];
  readonly unknown?: string;
}

export interface UpstreamFactsOptions {
  readonly measures: readonly UpstreamMeasure[];
  /** Returns the start nodes of a subject. */
  readonly starts: (tx: Transaction, subject: FactSubject) => Promise<Starts>;
  /** Clock in milliseconds, for the time limit. */
  readonly clock: () => number;
  readonly limits?: WalkLimits;
}

/** An upstream node that causes the value of a fact, with the path to it. */
export interface FactCause {
  readonly fact: string;
  /** Keys from the start to the node. */
  readonly path: readonly string[];
  readonly cause: string;
}

export interface ExplainedFacts extends Facts {
  readonly causes: readonly FactCause[];
}

/** Limit of returned causes of a fact. */
const MAX_CAUSES = 20;

function rankOf(measure: NodeMeasure): number {
  return 'unknown' in measure ? Number.POSITIVE_INFINITY : measure.value;
}

/** Returns the facts as `load` of the provider does, with their causes. */
export async function explainUpstream(
  { measures, starts, clock, limits }: UpstreamFactsOptions,
  tx: Transaction,
  subject: FactSubject,
  names: ReadonlySet<string>,
): Promise<ExplainedFacts> {
  const values: Record<string, string | number> = {};
  const unknown: Record<string, string> = {};
  const causes: FactCause[] = [];
  const found = await starts(tx, subject);
  const walk = await walkUpstream(tx, found.keys, clock, limits);
  for (const measure of measures.filter((one) => names.has(one.fact))) {
    const { fact, nodes, combine } = measure;
    const ids = [...walk.nodes.keys()].flatMap((key) =>
      key.startsWith(`${nodes}:`) ? key.slice(nodes.length + 1) : [],
    );
    const measured = ids.length === 0 ? [] : await measure.measure(tx, ids, walk);
    const problem = measured.find((one) => 'unknown' in one);
    const why = found.unknown ?? walk.exceeded ?? (problem === undefined ? undefined : problem.unknown);
    const explained = measured.filter((one) => 'unknown' in one || (one.value > 0 && one.cause !== undefined));
    const worstFirst = combine === 'sum' ? explained : explained.toSorted((a, b) => rankOf(b) - rankOf(a));
    for (const one of worstFirst.slice(0, MAX_CAUSES)) {
      const cause = 'unknown' in one ? one.unknown : (one.cause ?? '');
      causes.push({ fact, path: pathTo(walk, one.node), cause });
    }
    if (why !== undefined) {
      unknown[fact] =
        problem === undefined || why !== problem.unknown ? why : `${await nameOf(tx, problem.node)}: ${why}`;
      continue;
    }
    const numbers = measured.map((one) => ('value' in one ? one.value : 0));
    values[fact] =
      combine === 'sum' ? numbers.reduce((sum, one) => sum + one, 0) : (combine[Math.max(0, ...numbers)] ?? '');
  }
  return { values, unknown, causes };
}

/** Returns the display name of a node, or its key if it has none. */
async function nameOf(tx: Transaction, key: string): Promise<string> {
  const [node] = await storedNodes(tx, [key]);
  return node?.name ?? key;
}

export function upstreamFacts(options: UpstreamFactsOptions): FactProvider {
  return {
    names: options.measures.map(({ fact }) => fact),
    load: async (tx, subject, names) => await explainUpstream(options, tx, subject, names),
  };
}
