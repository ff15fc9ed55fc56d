/** The lineage graph as one line: sources step by step, then outputs. Pure functions. */
import type { LineageGraph, LineageNode, LineageRelation } from '@dais/api/lineage';

/** Derivation edges; triggers and containment are not part of the line. */
const MAKING: ReadonlySet<LineageRelation> = new Set(['read', 'made', 'registered', 'copied', 'converted']);

/** Steps on each side: dataset, run, logged model, version, and a copy of it. */
const STEPS = 4;

export interface StripSteps {
  /** The furthest first; each step has the nodes of the same distance. */
  readonly from: readonly (readonly LineageNode[])[];
  readonly to: readonly (readonly LineageNode[])[];
}

export function stripSteps({ root, nodes, edges }: LineageGraph): StripSteps {
  const known = new Map(nodes.map((node) => [node.node, node]));
  const making = edges.filter(({ relation }) => MAKING.has(relation));
  const walk = (next: (at: string) => readonly string[]): LineageNode[][] => {
    const steps: LineageNode[][] = [];
    const seen = new Set([root]);
    let at = [root];
    for (let step = 0; step < STEPS && at.length > 0; step++) {
      at = [...new Set(at.flatMap(next))].filter((node) => !seen.has(node));
      for (const node of at) seen.add(node);
      const found = at.flatMap((node) => known.get(node) ?? []);
      if (found.length > 0) steps.push(found);
    }
    return steps;
  };
  const up = walk((at) => making.filter(({ to }) => to === at).map(({ from }) => from));
  const down = walk((at) => making.filter(({ from }) => from === at).map(({ to }) => to));
  return { from: up.toReversed(), to: down.map(present) };
}

/** Removed nodes, such as files of joined predictions, are shown only where no other remains. */
function present(step: readonly LineageNode[]): readonly LineageNode[] {
  const left = step.filter(({ gone }) => gone !== true);
  return left.length === 0 ? step : left;
}

/** `flights@8d1f00a2`, `flight-delay/2`, the name of a run. */
export function nodeWords({ type, name, node, data = {} }: LineageNode): string {
  const { digest } = data;
  const called = name ?? node.slice(node.indexOf(':') + 1);
  return type === 'dataset' && digest !== undefined && !called.includes('@')
    ? `${called}@${digest.slice(0, 8)}`
    : called;
}
