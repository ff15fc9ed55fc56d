/** Compares the outputs of two runs of the same steps. Pure functions. */
import type { ExecutionNode } from '@dais/api/executions';
import type { Run } from '@dais/api/tracking';

export interface Difference {
  /** Path of the step. */
  readonly step: string;
  readonly what: 'state' | 'output' | 'metric' | 'parameter';
  readonly name: string;
  /** Undefined: there is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface RunComparison {
  readonly differences: readonly Difference[];
  /** Numbers of equal outputs, and of equal metrics and parameters. */
  readonly same: { readonly outputs: number; readonly logged: number };
}

export interface ComparedRun {
  readonly nodes: readonly ExecutionNode[];
  /** The tracking run of each step, by path. */
  readonly tracked: ReadonlyMap<string, Run>;
}

type Found = Omit<Difference, 'before' | 'after'>;

export function compareRuns(before: ComparedRun, after: ComparedRun): RunComparison {
  const facts = [factsOf(before), factsOf(after)] as const;
  const keys = [...new Set(facts.flatMap((known) => [...known.keys()]))];
  const differences: Difference[] = [];
  const same = { outputs: 0, logged: 0 };
  for (const key of keys) {
    const [one, other] = facts.map((known) => known.get(key));
    const of = (one ?? other)!.of;
    if (one?.value !== other?.value) differences.push({ ...of, before: one?.value, after: other?.value });
    else if (of.what === 'output') same.outputs += 1;
    else if (of.what !== 'state') same.logged += 1;
  }
  return { differences, same };
}

function factsOf({ nodes, tracked }: ComparedRun): Map<string, { readonly of: Found; readonly value: string }> {
  const facts = new Map<string, { readonly of: Found; readonly value: string }>();
  const add = (of: Found, value: string) => facts.set(`${of.step}\n${of.what}\n${of.name}`, { of, value });
  for (const { path: step, kind, state, outputs } of nodes) {
    if (kind !== 'step') continue;
    add({ step, what: 'state', name: '' }, state);
    for (const [name, value] of Object.entries(outputs)) {
      // Files are compared by digest, not by location.
      const shown =
        'parameter' in value
          ? JSON.stringify(value.parameter)
          : 'files' in value
            ? value.files.map(({ digest }) => digest).join(' ')
            : value.digest;
      add({ step, what: 'output', name }, shown);
    }
    const run = tracked.get(step);
    for (const { key, value } of run?.metrics ?? []) add({ step, what: 'metric', name: key }, String(value));
    for (const [key, value] of Object.entries(run?.params ?? {})) add({ step, what: 'parameter', name: key }, value);
  }
  return facts;
}
