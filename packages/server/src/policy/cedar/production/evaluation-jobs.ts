/** Updates the list of violations: after relevant changes, and once an hour. */
import { eventTypes } from '@dais/api';
import type { SequencedEvent } from '#kernel/events.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { ProductionDependencies } from './evaluate-production.ts';
import { evaluatePage, needsEvaluation, projectsToEvaluate, type EvaluationPosition } from './evaluate-project.ts';
import { forgetAudited } from './violation-store.ts';

const QUEUE = 'policy evaluation';
const SWEEP = 'policy evaluation sweep';
/** Events within this time cause one evaluation. */
const WINDOW_MS = 5000;
const HOUR_MS = 3_600_000;
/** Of one transaction. */
const PAGE = { resources: 200, milliseconds: 5000 } as const;
const MAX_PAGES = 1000;
const AUDITED_MS = 90 * 24 * HOUR_MS;

/** Events after which a fact about what is upstream, a policy or what is in production may be different. */
const TYPES: readonly string[] = [
  eventTypes.resourceCreated,
  eventTypes.resourceUpdated,
  eventTypes.resourceDeleted,
  eventTypes.datasetVersionReady,
  eventTypes.datasetVersionQuarantined,
  eventTypes.datasetVersionReleased,
  eventTypes.findingOpened,
  eventTypes.findingResolved,
  eventTypes.findingWaived,
  eventTypes.findingReopened,
  eventTypes.modelScanned,
  eventTypes.modelFindingWaived,
  eventTypes.modelFindingReopened,
  eventTypes.modelVersionDeleted,
  eventTypes.modelAliasSet,
  eventTypes.modelAliasRemoved,
  eventTypes.approvalGiven,
  eventTypes.approvalWithdrawn,
  eventTypes.rolloutStarted,
  eventTypes.rolloutPromoted,
  eventTypes.rolloutRolledBack,
  eventTypes.rolloutAborted,
  eventTypes.variantMoved,
].map(({ type }) => type);

const KINDS: ReadonlySet<string | undefined> = new Set([
  'Policy',
  'OrganizationPolicy',
  'Endpoint',
  'Model',
  'Dataset',
]);

export function evaluationSubscriber({ engine, now }: ProductionDependencies, windowMs = WINDOW_MS): Subscriber {
  return {
    name: 'policy evaluation',
    types: TYPES,
    handle: async (tx, events) => {
      const relevant = events.filter(({ type, subject }) => !type.startsWith('resource.') || KINDS.has(subject?.kind));
      if (relevant.length === 0) return;
      await tx.enter('all');
      const rules = await engine.rules.current(tx.sql);
      const everywhere = relevant.some(({ subject }) => subject?.kind === 'OrganizationPolicy');
      const projects = everywhere ? await projectsToEvaluate(tx, rules) : await projectsOf(tx, rules, relevant);
      for (const projectId of projects) tx.enqueue(evaluationJob(projectId, now(), windowMs));
    },
  };
}

async function projectsOf(
  tx: Transaction,
  rules: Parameters<typeof needsEvaluation>[1],
  events: readonly SequencedEvent[],
): Promise<readonly string[]> {
  const names = await tenantNames(tx.sql, [...new Set(events.map(({ projectId }) => projectId))]);
  const found: string[] = [];
  for (const [projectId, project] of names) {
    if (await needsEvaluation(tx, rules, { projectId, project })) found.push(projectId);
  }
  return found;
}

/**
 * The job starts when its window ends: an event within the window is evaluated even if the job of the window before is
 * still running.
 */
function evaluationJob(projectId: string, now: number, windowMs: number): NewJob {
  const window = Math.floor(now / windowMs);
  const delayMs = (window + 1) * windowMs - now;
  return { queue: QUEUE, projectId, payload: {}, uniqueKey: `${projectId}/${window}`, delayMs, maxAttempts: 5 };
}

export function evaluationHandler(dependencies: ProductionDependencies): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async ({ projectId }, io) => {
      const startedAt = dependencies.now();
      let position: EvaluationPosition | undefined = { source: 0 };
      const total = { resources: 0, violations: 0 };
      for (let page = 0; position !== undefined && page < MAX_PAGES; page++) {
        io.signal.throwIfAborted();
        const from: EvaluationPosition = position;
        const done = await io.write(async (tx) => {
          const project = (await tenantNames(tx.sql, [projectId])).get(projectId);
          if (project === undefined) return undefined;
          await tx.enter(projectId);
          return await evaluatePage(dependencies, tx, { projectId, project, startedAt }, from, PAGE);
        });
        total.resources += done?.resources ?? 0;
        total.violations += done?.violations ?? 0;
        position = done?.next;
        io.progress(total);
      }
      return total;
    },
  };
}

/** Finds what no event reports: waivers that expire, scans that end without a finding. */
export function evaluationSweep({ engine, now }: ProductionDependencies): JobHandler {
  return {
    queue: SWEEP,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: 600_000 },
    every: { firstMs: 90_000, againMs: HOUR_MS },
    run: async (_job, io) =>
      await io.write(async (tx) => {
        await tx.enter('all');
        const forgotten = await forgetAudited(tx, now() - AUDITED_MS);
        const projects = await projectsToEvaluate(tx, await engine.rules.current(tx.sql));
        for (const projectId of projects) tx.enqueue(evaluationJob(projectId, now(), WINDOW_MS));
        return { projects: projects.length, forgotten };
      }),
  };
}
