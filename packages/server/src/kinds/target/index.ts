import { DaisError } from '@dais/api';
import { DEFAULT_MAX_TASKS, targetKind } from '@dais/api/executions';
import type { AdmittedChange, KindDefinition } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import {
  LOCAL_TARGET,
  placeOfTarget,
  readProbe,
  removeTarget,
  writeProbe,
  writeTarget,
  type ComputeTargets,
  type ProbeRow,
} from '#ledgers/executions/index.ts';
import type { Clock } from '#lib/clock.ts';
import { isStale, planTarget } from './target-plan.ts';

export interface TargetTools {
  readonly clock: Clock;
  /** Absent: targets are not tested. */
  readonly targets?: (() => ComputeTargets) | undefined;
}

/** The desired state of a compute target. Its image rules are read when a run starts, the rest when a step starts. */
export function target({ clock, targets }: TargetTools): KindDefinition {
  return {
    spec: targetKind,
    admit: async (tx, change) => {
      if (change.name === LOCAL_TARGET) return { status: { used: true } };
      if (!change.dryRun) await record(tx, change);
      return change.action === 'create' ? { status: { used: false } } : {};
    },
    ...(targets !== undefined && {
      controller: {
        observe: async (resource, io): Promise<ProbeRow | undefined> => {
          if (!isCluster(resource.spec)) return undefined;
          const { uid, generation } = resource.metadata;
          const known = await io.read(async ({ sql }) => await readProbe(sql, uid));
          if (known !== undefined && !isStale(known, generation, clock.now())) return known;
          const report = await targets().probe(uid, { pods: false, signal: io.signal });
          if (report === undefined) return undefined;
          const probe = { report, generation, at: new Date(clock.now()) };
          await io.write(async ({ sql }) => await Promise.resolve(writeProbe(sql, uid, probe)));
          return probe;
        },
        plan: ({ resource, observed }) => planTarget(resource, observed as ProbeRow | undefined),
        perform: async () => {},
      },
    }),
  };
}

function isCluster(spec: Readonly<Record<string, unknown>> | undefined): boolean {
  return spec?.['type'] === 'kubernetes';
}

/** Writes the row that admission reads. @throws DaisError `conflict` for a target with steps that is deleted */
async function record(tx: Transaction, { action, uid, name, spec, before }: AdmittedChange): Promise<void> {
  if (action === 'delete') {
    if (!isCluster(before?.spec)) return;
    const open = await removeTarget(tx, uid, placeOfTarget(uid));
    if (open === 0) return;
    throw new DaisError(
      'conflict',
      `The target "${name}" has ${open} steps that run or wait there. Wait until they end, or cancel their runs, and delete it then.`,
    );
  }
  if (!isCluster(spec)) return;
  const maxTasks = typeof spec?.['maxTasks'] === 'number' ? spec['maxTasks'] : DEFAULT_MAX_TASKS;
  writeTarget(tx.sql, { uid, name, maxTasks });
}
