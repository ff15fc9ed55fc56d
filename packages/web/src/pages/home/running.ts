/** Runs, jobs and rollouts of a project that run now, as lines of one list. Pure. */
import type { Resource } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import type { ModelJob } from '@dais/api/serving';
import type { NeedScope } from './needs.ts';
import { batchAddress, executionAddress, namedAddress } from '#addresses.ts';
import { JOB_KINDS } from '#pages/batches/batch-words.ts';
import { stateOf } from '#pages/executions/execution-words.ts';
import type { State } from '#ui/state-badge.tsx';

export interface Running {
  readonly key: string;
  readonly state: State;
  readonly word: string;
  readonly kind: string;
  readonly what: NeedScope;
  readonly far: string;
  /** Undefined: it waits for free capacity. */
  readonly since: number | undefined;
}

export function runningNow(
  project: string,
  executions: readonly Execution[],
  jobs: readonly ModelJob[],
  endpoints: readonly Resource[],
): readonly Running[] {
  return [
    ...executions
      .filter(({ endedAt }) => endedAt === undefined)
      .map((run) => ({
        key: `run ${run.id}`,
        ...stateOf(run),
        kind: 'run',
        what: { name: run.name, address: executionAddress(project, run.id) },
        far: run.description ?? '',
        since: run.startedAt,
      })),
    ...jobs
      .filter(({ endedAt }) => endedAt === undefined)
      .map((job) => ({
        key: `job ${job.id}`,
        state: job.state === 'pending' ? ('waiting' as const) : ('running' as const),
        word: job.state,
        kind: JOB_KINDS[job.kind],
        what: { name: `${job.model}/${job.version}`, address: batchAddress(project, job.id) },
        far:
          job.rows.total === 0
            ? job.phase
            : `${job.rows.done.toLocaleString('en')} of ${job.rows.total.toLocaleString('en')} rows`,
        since: job.startedAt,
      })),
    ...endpoints.flatMap(({ metadata: { name }, status }): Running[] => {
      const { rollout } = status as {
        readonly rollout?: { readonly state: string; readonly weight: number; readonly message: string };
      };
      const address = namedAddress('Endpoint', project, name);
      if (rollout?.state !== 'running' || address === undefined) return [];
      return [
        {
          key: `rollout ${name}`,
          state: 'running',
          word: `${Math.round(rollout.weight)} %`,
          kind: 'rollout of',
          what: { name, address },
          far: rollout.message,
          since: undefined,
        },
      ];
    }),
  ];
}
