/** Alerts, one per check of a monitor: raised, sent, resolved and acknowledged in the transaction of their cause. */
import { DaisError, eventTypes } from '@dais/api';
import type { MonitorAlert, ServedVersion } from '@dais/api/monitoring';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { CheckOutcome } from '../checks/outcome.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies, AlertMessage } from '../monitoring-dependencies.ts';
import { isSilent } from './silence.ts';

export interface AlertRow {
  readonly id: string;
  readonly monitor: string;
  readonly monitor_name: string;
  readonly check: string;
  readonly severity: MonitorAlert['severity'];
  readonly state: MonitorAlert['state'];
  readonly title: string;
  readonly reason: string;
  readonly columns: readonly string[];
  readonly first_window: number;
  readonly last_window: number;
  readonly windows: number;
  readonly raised_at: bigint;
  readonly resolved_at: bigint | null;
  readonly notified: boolean;
  readonly silenced: boolean;
  readonly acknowledged_by: { readonly type: string; readonly id: string } | null;
  readonly acknowledged_at: bigint | null;
  readonly note: string | null;
  readonly model: string | null;
  readonly version: string | null;
  readonly trained_on: string | null;
  readonly nodes: readonly string[];
  readonly deliveries: readonly { readonly channel: string; readonly id: string }[];
}

const COLUMNS = `id, monitor, monitor_name, "check", severity, state, title, reason, columns, first_window, last_window, windows,
  raised_at, resolved_at, notified, silenced, acknowledged_by, acknowledged_at, note, model, version, trained_on, nodes, deliveries`;

/** The context of a window that an alert records in addition to the check result. */
export interface AlertCause {
  readonly number: number;
  readonly version: ServedVersion | undefined;
  readonly nodes: readonly string[];
  readonly baseline: string | undefined;
}

export async function openAlerts(sql: Sql, monitor: string): Promise<AlertRow[]> {
  return await sql.query<AlertRow>(
    `select ${COLUMNS} from monitoring.alert where monitor = $1 and state = 'open' order by id`,
    [monitor],
    'open_alerts',
  );
}

export async function raiseAlert(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  outcome: CheckOutcome,
  cause: AlertCause,
): Promise<AlertRow> {
  const now = dependencies.clock.now();
  const target = monitor.endpoint ?? monitor.dataset ?? '';
  const columns = outcome.results.flatMap(({ status, column }) => (status === 'failing' ? (column ?? []) : []));
  const title = `${monitor.name}: ${outcome.name} of ${target} is failing`;
  const [row] = await tx.sql.query<AlertRow>(
    `insert into monitoring.alert (id, project_id, monitor, monitor_name, "check", severity, title, reason, columns,
       first_window, last_window, raised_at, model, version, trained_on, nodes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15) returning ${COLUMNS}`,
    [
      uuidv7(now),
      tx.projectId,
      monitor.uid,
      monitor.name,
      outcome.name,
      outcome.severity,
      title,
      outcome.reason ?? '',
      JSON.stringify([...new Set(columns)].slice(0, 100)),
      cause.number,
      now,
      cause.version?.model ?? null,
      cause.version?.version ?? null,
      cause.version?.trainedOn ?? null,
      JSON.stringify(cause.nodes),
    ],
    'raise_alert',
  );
  if (row === undefined) throw new Error('an alert was not written');
  tx.emit({
    type: eventTypes.monitorAlertRaised,
    projectId: tx.projectId,
    subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
    data: {
      alert: row.id,
      check: outcome.name,
      window: cause.number,
      severity: outcome.severity,
      title,
      ...(cause.version !== undefined && { model: cause.version.model, version: cause.version.version }),
    },
  });
  return row;
}

/** Updates the alert of a check that still fails with the reason of the newest window. */
export async function continueAlert(
  tx: Transaction,
  alert: AlertRow,
  outcome: CheckOutcome,
  number: number,
): Promise<void> {
  await tx.sql.query(
    'update monitoring.alert set last_window = $2, windows = windows + 1, reason = $3 where id = $1',
    [alert.id, number, outcome.reason ?? ''],
    'continue_alert',
  );
}

export async function resolveAlert(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  alert: AlertRow,
  { number, reason }: { readonly number: number; readonly reason: string },
): Promise<void> {
  await tx.sql.query(
    `update monitoring.alert set state = 'resolved', resolved_at = $2 where id = $1`,
    [alert.id, dependencies.clock.now()],
    'resolve_alert',
  );
  tx.emit({
    type: eventTypes.monitorAlertResolved,
    projectId: tx.projectId,
    subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
    data: { alert: alert.id, check: alert.check, window: number },
  });
  // A channel that was not notified of the alert is not notified of its end.
  if (!alert.notified) return;
  await send(tx, dependencies, monitor, alert, {
    state: 'resolved',
    title: `${monitor.name}: ${alert.check} is passing again`,
    text: reason,
  });
}

/** Resolves the open alerts of a deleted monitor and notifies their channels. */
export async function endAlerts(tx: Transaction, dependencies: SendDependencies, monitor: MonitorRow): Promise<void> {
  for (const alert of await openAlerts(tx.sql, monitor.uid)) {
    tx.emit({
      type: eventTypes.monitorAlertResolved,
      projectId: tx.projectId,
      subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
      data: { alert: alert.id, check: alert.check, window: monitor.number },
    });
    if (!alert.notified) continue;
    await send(tx, dependencies, monitor, alert, {
      state: 'resolved',
      title: `${monitor.name}: ${alert.check} is no longer monitored`,
      text: 'The monitor was deleted.',
    });
  }
}

/** Sends an open alert that was not sent yet to its channels, unless the monitor is silenced. */
export async function sendAlert(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  alert: AlertRow,
  more: { readonly baseline: string | undefined; readonly decision?: string | undefined },
): Promise<void> {
  if (isSilent(monitor.spec.silence, dependencies.clock.now())) {
    await tx.sql.query('update monitoring.alert set silenced = true where id = $1', [alert.id], 'alert_silenced');
    return;
  }
  const facts = [
    ...(more.baseline === undefined ? [] : [{ name: 'Compared with', value: more.baseline }]),
    ...(more.decision === undefined ? [] : [{ name: 'Started', value: more.decision }]),
  ];
  const deliveries = await send(tx, dependencies, monitor, alert, {
    state: 'raised',
    title: alert.title,
    text: alert.reason,
    facts,
  });
  await tx.sql.query(
    'update monitoring.alert set notified = $3, silenced = false, deliveries = $2 where id = $1',
    // Without a channel the alert counts as not sent, so that a channel added later receives it.
    [alert.id, JSON.stringify(deliveries), deliveries.length > 0],
    'mark_alert_notified',
  );
}

/** The dependencies for sending to a channel. */
export type SendDependencies = Pick<MonitoringDependencies, 'clock' | 'notify'> &
  Partial<Pick<MonitoringDependencies, 'log' | 'url'>>;

interface AlertText {
  readonly state: AlertMessage['state'];
  readonly title: string;
  readonly text: string;
  readonly facts?: AlertMessage['facts'];
}

async function send(
  tx: Transaction,
  dependencies: SendDependencies,
  monitor: MonitorRow,
  alert: AlertRow,
  { state, title, text, facts = [] }: AlertText,
): Promise<{ channel: string; id: string }[]> {
  const project = (await tenantNames(tx.sql, [tx.projectId])).get(tx.projectId) ?? '';
  const named = alert.model === null ? undefined : `${alert.model}/${alert.version ?? ''}`;
  const message: AlertMessage = {
    type:
      state === 'raised'
        ? 'monitor.alert.raised'
        : state === 'resolved'
          ? 'monitor.alert.resolved'
          : 'monitor.alert.acknowledged',
    severity: alert.severity,
    title,
    text,
    at: new Date(dependencies.clock.now()).toISOString(),
    project,
    subject: { kind: 'Monitor', name: monitor.name },
    facts: [
      { name: 'Check', value: alert.check },
      { name: 'Window', value: String(state === 'raised' ? alert.first_window : alert.last_window) },
      ...(alert.columns.length > 0 ? [{ name: 'Columns', value: alert.columns.slice(0, 10).join(', ') }] : []),
      ...(named === undefined ? [] : [{ name: 'Version', value: named }]),
      ...(alert.trained_on === null ? [] : [{ name: 'Trained on', value: alert.trained_on }]),
      ...facts,
      ...(monitor.spec.runbook === undefined ? [] : [{ name: 'Runbook', value: monitor.spec.runbook }]),
    ],
    ...(dependencies.url !== undefined && {
      url: `${dependencies.url}/projects/${encodeURIComponent(project)}/monitors/${encodeURIComponent(monitor.name)}?window=${alert.first_window}`,
    }),
    key: alert.id,
    state,
    raisedAt: new Date(Number(alert.raised_at)).toISOString(),
    ...(monitor.spec.runbook !== undefined && { runbook: monitor.spec.runbook }),
  };
  const deliveries: { channel: string; id: string }[] = [];
  for (const channel of monitor.spec.alerts) {
    try {
      deliveries.push({ channel, id: await dependencies.notify(tx, channel, message) });
    } catch (error) {
      // A deleted channel must not block the evaluation.
      if (!(error instanceof DaisError) || error.retryable) throw error;
      dependencies.log?.warn('passing an alert to its channel failed', {
        monitor: monitor.name,
        channel,
        reason: error.message,
      });
    }
  }
  return deliveries;
}

export async function acknowledgeAlert(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  { alert, note, principal }: { readonly alert: string; readonly note: string; readonly principal: Principal },
): Promise<AlertRow> {
  const [found] = await tx.sql.query<AlertRow>(
    `select ${COLUMNS} from monitoring.alert where monitor = $1 and id = $2 for update`,
    [monitor.uid, alert],
    'lock_alert',
  );
  if (found === undefined) throw new DaisError('not_found', `${monitor.name} has no alert ${alert}.`);
  if (found.state === 'resolved') throw new DaisError('invalid_state', 'The alert is already resolved.');
  const { type, id } = principal;
  const [row] = await tx.sql.query<AlertRow>(
    `update monitoring.alert set acknowledged_by = $2, acknowledged_at = $3, note = $4 where id = $1 returning ${COLUMNS}`,
    [alert, JSON.stringify({ type, id }), dependencies.clock.now(), note],
    'acknowledge_alert',
  );
  if (row === undefined) throw new Error('an alert was not written');
  tx.emit({
    type: eventTypes.monitorAlertAcknowledged,
    projectId: tx.projectId,
    subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
    data: { alert, check: row.check, note },
  });
  return row;
}

export function presentAlert(row: AlertRow): MonitorAlert {
  return {
    id: row.id,
    monitor: row.monitor_name,
    check: row.check,
    severity: row.severity,
    state: row.state,
    title: row.title,
    reason: row.reason,
    columns: [...row.columns],
    firstWindow: row.first_window,
    lastWindow: row.last_window,
    windows: row.windows,
    raisedAt: Number(row.raised_at),
    ...(row.resolved_at !== null && { resolvedAt: Number(row.resolved_at) }),
    silenced: row.state === 'open' && row.silenced,
    ...(row.acknowledged_by !== null && { acknowledgedBy: `${row.acknowledged_by.type}/${row.acknowledged_by.id}` }),
    ...(row.acknowledged_at !== null && { acknowledgedAt: Number(row.acknowledged_at) }),
    ...(row.note !== null && { note: row.note }),
    ...(row.model !== null && { model: row.model }),
    ...(row.version !== null && { version: row.version }),
    ...(row.trained_on !== null && { trainedOn: row.trained_on }),
    nodes: [...row.nodes],
    deliveries: row.deliveries.map(({ channel, id }) => ({ channel, id })),
  };
}

export interface AlertFilter {
  readonly monitor?: string | undefined;
  readonly state?: 'open' | 'resolved' | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

export async function listAlerts({ sql, projectId }: Transaction, filter: AlertFilter): Promise<AlertRow[]> {
  return await sql.query<AlertRow>(
    `select ${COLUMNS} from monitoring.alert where project_id = $1 and ($2::uuid is null or monitor = $2)
       and ($3::text is null or state = $3) and ($4::uuid is null or id < $4) order by id desc limit $5`,
    [projectId, filter.monitor ?? null, filter.state ?? null, filter.after ?? null, filter.limit],
    'list_alerts',
  );
}
