/** Who may have steps reach other servers: the right `execution:network`, asked of whoever writes or starts such a step. */
import type { AdmittedSpec, SpecCall } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { STEPS_FORMAT, versionNamed, type WholeVersionRow } from './pipelines/pipeline-rows.ts';

export const NETWORK_RIGHT = { kind: 'Execution', may: 'execution:network' };

/**
 * Asks it of the writer of a Pipeline with such a step, because schedules and alerts start that without asking anybody.
 * @throws DaisError `forbidden`
 */
export async function authorizePipelineSpec(_tx: Transaction, call: SpecCall, spec: AdmittedSpec): Promise<void> {
  if (hasNetwork(spec)) await authorizeNetwork(call);
}

/** Asks it of the writer of a Schedule, by the version that it would start now. @throws DaisError `forbidden` */
export async function authorizeScheduleSpec(
  tx: Transaction,
  call: SpecCall,
  { pipeline, version }: AdmittedSpec,
): Promise<void> {
  await tx.enter(call.tenant.id);
  const [row] = await tx.sql.query<{ uid: string; name: string }>(
    'select uid, name from executions.pipeline where project_id = $1 and name = $2',
    [call.tenant.id, pipeline],
    'pipeline_of_schedule',
  );
  // One that the same apply makes is written by the same person, who is asked for it.
  if (row === undefined) return;
  const named = typeof version === 'string' ? version : 'latest';
  const found = await versionNamed(tx.sql, row, named);
  if (found !== undefined && versionHasNetwork(found)) await authorizeNetwork(call);
}

async function authorizeNetwork({ authorize, tenant }: SpecCall): Promise<void> {
  const { kind, may } = NETWORK_RIGHT;
  await authorize({ kind, ...(tenant.name !== '' && { project: tenant.name }) }, tenant, may);
}

function versionHasNetwork({ format, document }: WholeVersionRow): boolean {
  // Steps of other formats (Kubeflow Pipelines) always have network.
  return format !== STEPS_FORMAT || hasNetwork(JSON.parse(document) as AdmittedSpec);
}

function hasNetwork({ steps = {} }: AdmittedSpec): boolean {
  const all = Object.values(steps as Readonly<Record<string, { readonly network?: boolean }>>);
  return all.some(({ network }) => network === true);
}
