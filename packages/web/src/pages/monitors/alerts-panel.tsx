import type { DaisError } from '@dais/api';
import { acknowledgeMonitorAlertOperation, type MonitorAlert } from '@dais/api/monitoring';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { SEVERITIES } from './monitor-words.ts';
import { monitorsKey } from './use-monitors.ts';
import { monitorAddress, versionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Textarea } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable, type PlainColumn } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

export interface AlertsPanelProps {
  readonly project: string;
  readonly title: string;
  readonly alerts: readonly MonitorAlert[];
  /** The alerts are of several monitors. */
  readonly named?: boolean;
  /** Text without alerts. */
  readonly none?: string;
}

/** Open alerts with start, subject and acknowledgement. */
export function AlertsPanel({ project, title, alerts, named = false, none }: AlertsPanelProps) {
  const [dialog, setDialog] = useState<MonitorAlert>();
  const why = useWhyNotDo(project, 'Monitor', ['monitor:acknowledge'])('monitor:acknowledge');
  if (alerts.length === 0 && none === undefined) return null;
  const columns: readonly PlainColumn<MonitorAlert>[] = [
    {
      title: 'State',
      narrow: true,
      cell: ({ state, severity, silenced }) => (
        <>
          {state === 'resolved' ? (
            <StateBadge state="ok" word="resolved" />
          ) : (
            <StateBadge state={SEVERITIES[severity]} word={severity} />
          )}
          {silenced && <span className="dim"> silenced</span>}
        </>
      ),
    },
    ...(named
      ? [
          {
            title: 'Monitor',
            narrow: true,
            cell: ({ monitor }: MonitorAlert) => <Link {...monitorAddress(project, monitor)}>{monitor}</Link>,
          },
        ]
      : []),
    {
      title: 'Alert',
      cell: ({ monitor, title, reason, lastWindow, columns: moved }) => (
        <>
          <Link
            {...monitorAddress(project, monitor, {
              window: String(lastWindow),
              ...(moved[0] !== undefined && { column: moved[0] }),
            })}
          >
            {title}
          </Link>
          {reason !== title && <div className="dim">{reason}</div>}
        </>
      ),
    },
    {
      title: 'Column or segment',
      cell: ({ model, version, trainedOn }) =>
        model !== undefined &&
        version !== undefined && (
          <>
            <Link {...versionAddress(project, model, version)}>
              {model}/{version}
            </Link>
            {trainedOn !== undefined && <div className="dim">trained on {trainedOn}</div>}
          </>
        ),
    },
    {
      title: 'Since',
      narrow: true,
      cell: ({ raisedAt, windows }) => (
        <>
          <Time at={new Date(raisedAt).toISOString()} />
          <div className="dim">
            {windows} {windows === 1 ? 'window' : 'windows'}
          </div>
        </>
      ),
    },
    {
      title: 'Acknowledged by',
      cell: (alert) =>
        alert.acknowledgedBy !== undefined ? (
          <>
            {alert.acknowledgedBy}
            {alert.note !== undefined && alert.note !== '' && `: ${alert.note}`}
          </>
        ) : alert.state === 'open' ? (
          <GuardedButton size="compact-xs" variant="default" why={why} onClick={() => setDialog(alert)}>
            Acknowledge
          </GuardedButton>
        ) : null,
    },
  ];
  return (
    <Panel title={title} flush={alerts.length > 0}>
      {alerts.length === 0 ? (
        <p className="dim">{none}</p>
      ) : (
        <PlainTable label={`${title}: list`} rows={alerts} keyOf={({ id }) => id} columns={columns} />
      )}
      {dialog !== undefined && (
        <AcknowledgeDialog project={project} alert={dialog} close={() => setDialog(undefined)} />
      )}
    </Panel>
  );
}

export interface AcknowledgeDialogProps {
  readonly project: string;
  readonly alert: MonitorAlert;
  readonly close: () => void;
}

export function AcknowledgeDialog({ project, alert: { id, monitor, title }, close }: AcknowledgeDialogProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const [note, setNote] = useState('');
  const { mutate, isPending, error } = useMutation<MonitorAlert, DaisError>({
    mutationFn: async () =>
      await client.perform(acknowledgeMonitorAlertOperation, { monitor, alert: id, note: note.trim() }),
    onSuccess: () => {
      toast({ title: 'Alert acknowledged', text: title });
      void queries.invalidateQueries({ queryKey: monitorsKey(project) });
      close();
    },
  });
  return (
    <Modal opened onClose={close} title="Acknowledge alert">
      <div className="confirm">
        <p>{title}</p>
        <p className="dim">The alert stays open until the windows pass again. Others see that you acknowledged it.</p>
        <Textarea
          label="Comment"
          description="Optional. Recorded with your name and the time."
          value={note}
          maxLength={4096}
          autosize
          minRows={2}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button loading={isPending} onClick={() => mutate()}>
            Acknowledge alert
          </Button>
        </div>
      </div>
    </Modal>
  );
}
