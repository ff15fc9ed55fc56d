/** Authorizes what the steps of a plan use: Secrets, datasets, network, missing isolation. */
import { DaisError } from '@dais/api';
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DatasetInput, Graph } from '../machine/plan.ts';
import type { DatasetAccess, FoundVersion, StepData } from '../worker/step-data.ts';
import { authorizeNetwork } from './network-permission.ts';

type PlanUse =
  | { readonly secret: string }
  | { readonly kind: string; readonly may: string }
  | { readonly network: true }
  | { readonly reads: DatasetInput }
  | { readonly makes: string };

/** Records that the platform creates for a step: the starter of the step must be permitted to create them. */
const TRACKED = [
  { kind: 'Experiment', may: 'experiment:create' },
  { kind: 'Run', may: 'run:create' },
];

/** Access to datasets. */
interface DataWays {
  readonly tx: Transaction;
  readonly data: StepData | undefined;
}

/** Authorizes the caller for everything that the steps of the plan use. @throws DaisError `forbidden` */
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

/** Rejects a version that was resolved for a caller who sees more columns. @throws DaisError `forbidden` */
async function authorizeReading(
  call: Pick<Call, 'authorize' | 'tenant'>,
  { name, unmasked }: DatasetInput,
  { tx, data }: DataWays,
): Promise<void> {
  await call.authorize({ kind: 'Dataset', name }, call.tenant, 'dataset:read');
  if (unmasked.length === 0 || data === undefined) return;
  const masked = new Set(await data.masked(tx, name, datasetAccessOf(call)));
  const shown = unmasked.filter((column) => masked.has(column));
  if (shown.length === 0) return;
  const detail = `This run reads ${shown.join(', ')} of dataset ${name} unmasked, but they are masked for you. Submit your own run instead.`;
  throw new DaisError('forbidden', detail);
}

/** Returns a check of whether the caller may do an action on a dataset. */
export function datasetAccessOf(call: Pick<Call, 'authorize' | 'tenant'>): DatasetAccess {
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

/** Resolves the dataset version for a run. @throws DaisError */
export async function findVersion(
  tx: Transaction,
  { data }: { readonly data?: StepData | undefined },
  reference: string,
  may: DatasetAccess | undefined,
): Promise<FoundVersion> {
  if (data === undefined)
    throw new DaisError('invalid_request', 'This server does not store datasets, so a step cannot read one.');
  const name = reference.split('@')[0] ?? '';
  // Before any information about the dataset is returned.
  if (may !== undefined && !(await may(name)('dataset:read'))) {
    throw new DaisError('forbidden', `A step reads dataset ${name}, but you lack the permission dataset:read for it.`);
  }
  return await data.find(tx, reference, may);
}

/** Returns everything that the plan uses, each once. */
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
        // A step without isolation always has the network of the machine.
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

/** Returns whether a step of the graph runs without isolation, with the permissions of the server. */
export function isUnisolated({ tasks }: Graph): boolean {
  return Object.values(tasks).some(({ body }) =>
    'graph' in body ? isUnisolated(body.graph) : body.step.isolation === 'none',
  );
}
