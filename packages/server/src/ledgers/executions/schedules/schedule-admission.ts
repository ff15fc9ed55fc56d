/** Updates the row of a Schedule resource from its spec, in the transaction of the change. */
import { scheduleSpec } from '@dais/api';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requirePipeline, requireVersion } from '../pipelines/pipeline-rows.ts';
import { removeSchedule, writeSchedule } from './schedule-rows.ts';

export async function admitSchedule(tx: Transaction, change: AdmittedChange): Promise<void> {
  const { uid, name, projectId, dryRun, before } = change;
  if (dryRun) return;
  if (change.spec === undefined) return await removeSchedule(tx, uid);
  const spec = scheduleSpec.parse(change.spec);
  // The same apply may create the pipeline afterwards.
  tx.checkAtEnd(`schedule/${uid}`, async () => {
    await tx.enter(projectId);
    const pipeline = await requirePipeline(tx.sql, projectId, spec.pipeline);
    const version = spec.version === undefined ? undefined : await requireVersion(tx.sql, pipeline, spec.version);
    const {
      startAt,
      endAt,
      suspended,
      parameters = {},
      description,
      when,
      catchUp,
      overlap,
      mostAtOnce,
      priority,
    } = spec;
    await writeSchedule(tx, {
      id: uid,
      origin: before?.metadata.origin ?? tx.by.origin,
      name,
      description,
      pipeline: pipeline.uid,
      pipelineVersion: version?.id,
      parameters,
      when,
      startAt: startAt === undefined ? undefined : Date.parse(startAt),
      endAt: endAt === undefined ? undefined : Date.parse(endAt),
      catchUp,
      overlap,
      mostAtOnce,
      enabled: !suspended,
      priority,
    });
  });
}
