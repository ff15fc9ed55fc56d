/** Tests a compute target on request. */
import { DaisError, eventTypes } from '@dais/api';
import { probeTargetOperation } from '@dais/api/executions';
import type { TargetReport } from '#engines/compute/model/target.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { readResource } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { writeProbe } from './target-rows.ts';
import { LOCAL_TARGET } from './step-targets.ts';

type TargetDependencies = Pick<ExecutionDependencies, 'database' | 'targets' | 'clock'>;

export function targetEntries(dependencies: TargetDependencies): readonly OperationEntry[] {
  return [entry(probeTargetOperation, { perform: async (call) => await probe(dependencies, call) })];
}

async function probe(
  { database, targets, clock }: TargetDependencies,
  { input: { name, pods }, context }: CallOf<typeof probeTargetOperation>,
) {
  const resource = await transact(database, { mode: 'read', projectId: ORGANIZATION }, async ({ sql }) => {
    const row = await readResource(sql, ORGANIZATION, 'Target', name);
    return row && { uid: row.uid, generation: Number(row.generation), type: row.spec['type'] ?? 'process' };
  });
  if (resource === undefined && name !== LOCAL_TARGET) {
    throw new DaisError('not_found', `The target "${name}" does not exist.`);
  }
  const report =
    resource === undefined || resource.type === 'process' || targets === undefined
      ? undefined
      : await targets.probe(resource.uid, { pods, signal: context.signal });
  if (resource === undefined || report === undefined) {
    throw new DaisError(
      'invalid_request',
      `The target "${name}" is the machines of the server, which need no probe. \`dais doctor\` examines them.`,
    );
  }
  const at = new Date(clock.now());
  const ready = report.problems.length === 0;
  await transact(database, { mode: 'write', projectId: ORGANIZATION }, async (tx) => {
    writeProbe(tx.sql, resource.uid, { report, generation: resource.generation, at });
    const subject = { kind: 'Target', name, uid: resource.uid };
    tx.emit({ type: eventTypes.targetProbed, projectId: ORGANIZATION, subject, data: { ready } });
    await Promise.resolve();
  });
  return { ready, ...presentReport(report), probedAt: at.toISOString() };
}

/** Returns the fields of the status of a target. */
export function presentReport({ version, problems, warnings, features, nodes, resources, largestTask }: TargetReport) {
  return {
    ...(version !== undefined && { version }),
    problems: [...problems],
    warnings: [...warnings],
    features: [...features],
    nodes,
    resources: { ...resources },
    largestTask: { ...largestTask },
  };
}
