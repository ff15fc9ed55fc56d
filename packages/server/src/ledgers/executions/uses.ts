/** What the steps of a plan use that somebody must be permitted to use. */
import { DaisError } from '@dais/api';
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DatasetInput, Graph } from './machine/plan.ts';
import { authorizeNetwork } from './network-right.ts';
import type { FoundVersion, MayOf, StepData } from './step-data.ts';

type PlanUse =
  | { readonly secret: string }
  | { readonly kind: string; readonly may: string }
  | { readonly network: true }
  | { readonly reads: DatasetInput }
  | { readonly makes: string };

/** What the platform writes for a step, whoever has it run may write. */
const TRACKED = [
  { kind: 'Experiment', may: 'experiment:create' },
  { kind: 'Run', may: 'run:create' },
];

/** Where datasets are found. */
interface DataWays {
  readonly tx: Transaction;
  readonly data: StepData | undefined;
}

/** Whoever has a step use a Secret or a dataset uses it. @throws DaisError `forbidden` */
export async function authorizePlan(
  call: Pick<Call, 'authorize' | 'tenant'>,
  plan: Graph,
  { tx, data }: DataWays,
): Promise<void> {
  const { tenant } = call;
  for (const use of usesOf(plan)) {
    if ('secret' in use) await call.authorize({ kind: 'Secret', name: use.secret }, tenant, 'secret:use');
    else if ('makes' in use) {
      const desired = { spec: {} };
      await call.authorize({ kind: 'Dataset', name: use.makes, desired }, tenant, 'dataset:write');
      await data?.requireReadable(tx, use.makes, []);
    } else if ('reads' in use) await authorizeReading(call, use.reads, { tx, data });
    else if ('network' in use) await authorizeNetwork(call);
    else await call.authorize({ kind: use.kind }, tenant, use.may);
  }
}

/** What was found for somebody else may show more than this caller may see. @throws DaisError `forbidden` */
async function authorizeReading(
  call: Pick<Call, 'authorize' | 'tenant'>,
  { name, unmasked }: DatasetInput,
  { tx, data }: DataWays,
): Promise<void> {
  await call.authorize({ kind: 'Dataset', name }, call.tenant, 'dataset:read');
  if (unmasked.length === 0 || data === undefined) return;
  const masked = new Set(await data.masked(tx, name, mayOfCall(call)));
  const shown = unmasked.filter((column) => masked.has(column));
  if (shown.length === 0) return;
  const detail = `${shown.join(', ')} of ${name} are masked for you, but the job got them unmasked. Submit your own job.`;
  throw new DaisError('forbidden', detail);
}

/** Whether the caller may do an action to a dataset. */
export function mayOfCall(call: Pick<Call, 'authorize' | 'tenant'>): MayOf {
  return (name) => async (action) => {
    try {
      await call.authorize({ kind: 'Dataset', name }, call.tenant, action);
      return true;
    } catch (error) {
      if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
      throw error;
    }
  };
}

/** The version that a run is given. @throws DaisError */
export async function findVersion(
  tx: Transaction,
  { data }: { readonly data?: StepData | undefined },
  reference: string,
  may: MayOf | undefined,
): Promise<FoundVersion> {
  if (data === undefined) throw new DaisError('invalid_request', 'No datasets are kept here.');
  const name = reference.split('@')[0] ?? '';
  // Before anything is told of it.
  if (may !== undefined && !(await may(name)('dataset:read'))) {
    throw new DaisError('forbidden', `You may not read the dataset ${name}, which a step is to be given.`);
  }
  return await data.find(tx, reference, may);
}

/** Each once. */
function usesOf(plan: Graph): readonly PlanUse[] {
  const secrets = new Set<string>();
  let unisolated = false;
  let networked = false;
  let tracked = false;
  const reads = new Map<string, DatasetInput>();
  const makes = new Set<string>();
  const visit = ({ tasks }: Graph): void => {
    for (const { body, inputs } of Object.values(tasks)) {
      for (const binding of Object.values(inputs)) {
        const dataset = 'artifact' in binding ? binding.artifact.dataset : undefined;
        if (dataset !== undefined) reads.set(`${dataset.id} ${dataset.name}`, dataset);
      }
      if ('graph' in body) visit(body.graph);
      else {
        unisolated ||= body.step.isolation === 'none';
        // A step without isolation has the network of the machine, whatever it asks for.
        networked ||= body.step.network || body.step.isolation === 'none';
        tracked ||= body.step.tracking !== undefined;
        for (const { secret } of Object.values(body.step.secrets)) secrets.add(secret);
        for (const output of Object.values(body.step.outputs)) {
          if ('artifact' in output && output.dataset !== undefined) makes.add(output.dataset);
        }
      }
    }
  };
  visit(plan);
  return [
    ...[...secrets].map((secret) => ({ secret })),
    ...[...reads.values()].map((dataset) => ({ reads: dataset })),
    ...[...makes].map((dataset) => ({ makes: dataset })),
    ...(unisolated ? [{ kind: 'Execution', may: 'execution:unisolated' }] : []),
    ...(networked ? [{ network: true } as const] : []),
    ...(tracked ? TRACKED : []),
  ];
}
