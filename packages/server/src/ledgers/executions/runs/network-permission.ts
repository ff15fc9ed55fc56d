/** Authorizes network access of steps: the author or starter of such a step needs the permission `execution:network`. */
import { DaisError } from '@dais/api';
import type { SpecCall } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { STEPS_FORMAT, versionNamed, type WholeVersionRow } from '../pipelines/pipeline-rows.ts';

type AdmittedSpec = Readonly<Record<string, unknown>>;

const ADVICE =
  'Disable the network of the step (`network: false`, `dais run --no-network`), or ask an administrator to grant `execution:network` with the role editor or a policy.';

/**
 * Authorizes the author of a Pipeline with such a step, because schedules and alerts start it without a user.
 * @throws DaisError `forbidden`
 */
export async function authorizePipelineSpec(_tx: Transaction, call: SpecCall, spec: AdmittedSpec): Promise<void> {
  if (hasNetwork(spec)) await authorizeNetwork(call);
}

/** Authorizes the author of a Schedule for the version that it would start now. @throws DaisError `forbidden` */
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
  // A pipeline that the same apply creates has the same author, who is authorized there.
  if (row === undefined) return;
  const named = typeof version === 'string' ? version : 'latest';
  const found = await versionNamed(tx.sql, row, named);
  if (found !== undefined && versionHasNetwork(found)) await authorizeNetwork(call);
}

/** @throws DaisError `forbidden` that names the permission and who grants it. */
export async function authorizeNetwork({ authorize, tenant }: SpecCall): Promise<void> {
  const target = { kind: 'Execution', ...(tenant.name !== '' && { project: tenant.name }) };
  try {
    await authorize(target, tenant, 'execution:network');
  } catch (error) {
    if (!(error instanceof DaisError) || error.code !== 'forbidden') throw error;
    throw new DaisError('forbidden', `${error.message.replace(/[^.]$/, '$&.')} ${ADVICE}`, { cause: error });
  }
}

function versionHasNetwork({ format, document }: WholeVersionRow): boolean {
  // Steps of other formats (Kubeflow Pipelines) always have network access.
  return format !== STEPS_FORMAT || hasNetwork(JSON.parse(document) as AdmittedSpec);
}

function hasNetwork({ steps = {} }: AdmittedSpec): boolean {
  const all = Object.values(steps as Readonly<Record<string, { readonly network?: boolean }>>);
  return all.some(({ network }) => network === true);
}
