/** Differences between two executions, step by step. Pure functions. */
import type { ExecutionNode, ExecutionValue } from '@dais/api/executions';

export interface StepDiff {
  readonly path: string;
  readonly from: ExecutionNode | undefined;
  readonly to: ExecutionNode | undefined;
  /** Another final state, or in only one of them. */
  readonly state: boolean;
  readonly values: readonly ValueDiff[];
}

export interface ValueDiff {
  readonly side: 'input' | 'output';
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** All steps of both; those that differ list the differences. */
export function diffRuns(from: readonly ExecutionNode[], to: readonly ExecutionNode[]): readonly StepDiff[] {
  const [left, right] = [byPath(from), byPath(to)];
  return [...new Set([...left.keys(), ...right.keys()])].toSorted().map((path): StepDiff => {
    const [a, b] = [left.get(path), right.get(path)];
    return {
      path,
      from: a,
      to: b,
      state: a?.state !== b?.state,
      values:
        a === undefined || b === undefined
          ? []
          : [...diffValues('input', a.inputs, b.inputs), ...diffValues('output', a.outputs, b.outputs)],
    };
  });
}

export function differs({ state, values }: StepDiff): boolean {
  return state || values.length > 0;
}

function byPath(nodes: readonly ExecutionNode[]): ReadonlyMap<string, ExecutionNode> {
  return new Map(nodes.flatMap((node) => (node.kind === 'step' ? [[node.path, node] as const] : [])));
}

type Values = Readonly<Record<string, ExecutionValue>>;

function diffValues(side: ValueDiff['side'], from: Values, to: Values): readonly ValueDiff[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted().flatMap((name) => {
    const [a, b] = [valueText(from[name]), valueText(to[name])];
    return a === b ? [] : [{ side, name, from: a, to: b }];
  });
}

/** Files are equal when their contents are. */
function valueText(value: ExecutionValue | undefined): string {
  if (value === undefined) return 'nothing';
  if ('files' in value) return value.files.map(({ digest }) => `files ${digest.slice(0, 8)}`).join(', ');
  if ('dataset' in value) return `${value.dataset}@${value.version}`;
  return typeof value.parameter === 'string' ? value.parameter : JSON.stringify(value.parameter);
}
