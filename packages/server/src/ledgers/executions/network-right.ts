/** Who may have steps reach other servers: the right `execution:network`, asked of whoever writes or starts such a step. */
import { DaisError } from '@dais/api';
import type { SpecCall } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { STEPS_FORMAT, versionNamed, type WholeVersionRow } from './pipelines/pipeline-rows.ts';

type AdmittedSpec = Readonly<Record<string, unknown>>;

const ADVICE =
  'Without network it needs no such right (`network: false`, `dais run --no-network`); an administrator grants `execution:network` by the role editor or a policy.';

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

/** @throws DaisError `forbidden` that names the right and who grants it. */
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
  // Steps of other formats (Kubeflow Pipelines) always have network.
  return format !== STEPS_FORMAT || hasNetwork(JSON.parse(document) as AdmittedSpec);
}

function hasNetwork({ steps = {} }: AdmittedSpec): boolean {
  const all = Object.values(steps as Readonly<Record<string, { readonly network?: boolean }>>);
  return all.some(({ network }) => network === true);
}
