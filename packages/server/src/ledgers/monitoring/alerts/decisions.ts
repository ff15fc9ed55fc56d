/** Decides once per alert whether it starts a pipeline, and stores the decision with its reason. */
import { DaisError, eventTypes } from '@dais/api';
import type { MonitorDecision, MonitorSpec } from '@dais/api/monitoring';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { AlertRow } from './alerts.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';

type StartPipeline = NonNullable<NonNullable<MonitorSpec['onAlert']>['startPipeline']>;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Returns why the pipeline may not start. Pure. `starts`: earlier starts in milliseconds, newest first. */
function declineReason(
  { cooldownMinutes, maxPerDay }: Pick<StartPipeline, 'cooldownMinutes' | 'maxPerDay'>,
  starts: readonly number[],
  now: number,
): string | undefined {
  const [last] = starts;
  if (last !== undefined && now < last + cooldownMinutes * MINUTE_MS) {
    const until = new Date(last + cooldownMinutes * MINUTE_MS).toISOString();
    return `The pipeline was last started at ${new Date(last).toISOString()}. The cooldown ends at ${until}.`;
  }
  const today = starts.filter((at) => at > now - DAY_MS).length;
  return today >= maxPerDay
    ? `The pipeline was started ${today} times within 24 hours, the limit of \`maxPerDay\`.`
    : undefined;
}

/** Returns the decision; undefined if the monitor starts no pipeline for this check. */
export async function decide(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  alert: AlertRow,
): Promise<MonitorDecision | undefined> {
  const start = monitor.spec.onAlert?.startPipeline;
  if (start === undefined || start.checks?.includes(alert.check) === false) return undefined;
  const now = dependencies.clock.now();
  const before = await tx.sql.query<{ at: bigint }>(
    `select at from monitoring.decision where monitor = $1 and outcome = 'started' and at > $2 order by at desc limit 1001`,
    [monitor.uid, now - Math.max(DAY_MS, start.cooldownMinutes * MINUTE_MS)],
    'starts_before',
  );
  const declined = declineReason(
    start,
    before.map(({ at }) => Number(at)),
    now,
  );
  const decided =
    declined === undefined
      ? await tryStart(tx, dependencies, start)
      : { outcome: 'declined' as const, reason: declined };
  const id = uuidv7(now);
  await tx.sql.query(
    `insert into monitoring.decision (id, project_id, monitor, monitor_name, alert, "check", at, pipeline, outcome, reason,
       run, model, version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      tx.projectId,
      monitor.uid,
      monitor.name,
      alert.id,
      alert.check,
      now,
      start.pipeline,
      decided.outcome,
      decided.reason,
      decided.run ?? null,
      alert.model,
      alert.version,
    ],
    'keep_decision',
  );
  const about = {
    pipeline: start.pipeline,
    outcome: decided.outcome,
    reason: decided.reason,
    ...(decided.run !== undefined && { run: decided.run }),
    ...(alert.model !== null && { model: alert.model }),
    ...(alert.version !== null && { version: alert.version }),
  };
  tx.emit({
    type: eventTypes.monitorDecided,
    projectId: tx.projectId,
    subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
    data: { decision: id, alert: alert.id, check: alert.check, ...about },
  });
  return { id, monitor: monitor.name, alert: alert.id, check: alert.check, at: now, ...about };
}

interface NotifiedAlert {
  readonly outcome: MonitorDecision['outcome'];
  readonly reason: string;
  readonly run?: string | undefined;
}

async function tryStart(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  start: StartPipeline,
): Promise<NotifiedAlert> {
  try {
    const run = await dependencies.startPipeline(tx, { pipeline: start.pipeline, parameters: start.parameters });
    return { outcome: 'started', reason: `A run of pipeline ${start.pipeline} was started.`, run };
  } catch (error) {
    // Errors of the pipeline are found before any row of the run is written.
    if (!(error instanceof DaisError) || error.retryable) throw error;
    const issues = error.issues?.map(({ path, message }) => `${path ?? ''} ${message}`.trim()) ?? [];
    return { outcome: 'failed', reason: [error.message, ...issues].join(' ').slice(0, 2000) };
  }
}

interface DecisionRow {
  readonly id: string;
  readonly monitor_name: string;
  readonly alert: string;
  readonly check: string;
  readonly at: bigint;
  readonly pipeline: string;
  readonly outcome: MonitorDecision['outcome'];
  readonly reason: string;
  readonly run: string | null;
  readonly model: string | null;
  readonly version: string | null;
}

/** Lists the decisions of a monitor or of a model, newest first. */
export async function listDecisions(
  { sql, projectId }: Transaction,
  filter: {
    readonly monitor?: string | undefined;
    readonly model?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<MonitorDecision[]> {
  const rows = await sql.query<DecisionRow>(
    `select id, monitor_name, alert, "check", at, pipeline, outcome, reason, run, model, version from monitoring.decision
     where project_id = $1 and ($2::uuid is null or monitor = $2) and ($3::text is null or model = $3)
       and ($4::uuid is null or id < $4) order by id desc limit $5`,
    [projectId, filter.monitor ?? null, filter.model ?? null, filter.after ?? null, filter.limit],
    'list_decisions',
  );
  return rows.map(({ run, model, version, monitor_name: monitor, at, ...row }) => ({
    ...row,
    monitor,
    at: Number(at),
    ...(run !== null && { run }),
    ...(model !== null && { model }),
    ...(version !== null && { version }),
  }));
}
