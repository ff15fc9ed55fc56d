import { listRunMessagesOperation, LOG_SEVERITIES, type LogMessage, type LogSeverity } from '@dais/api/tracking';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useClient } from '#server/console-context.ts';
import { Button, Select } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';

const PAGE = 100;
/** Messages emit no events: those of a running run are polled. */
const LIVE_MS = 5000;
const ALL = 'all';

interface RunLogsProps {
  readonly project: string;
  readonly run: string;
  /** The run is in progress. */
  readonly live: boolean;
}

/** The log messages of a run, the newest first. */
export function RunLogs({ project, run, live }: RunLogsProps) {
  const client = useClient(project);
  const [severity, setSeverity] = useState<LogSeverity | undefined>();
  const [contains, setContains] = useState('');
  const found = useInfiniteQuery({
    queryKey: ['run-messages', project, run, severity, contains],
    queryFn: async ({ pageParam, signal }) => {
      const input = {
        id: run,
        order: 'desc' as const,
        limit: PAGE,
        ...(severity !== undefined && { severity }),
        ...(contains !== '' && { contains }),
        ...(pageParam !== undefined && { cursor: pageParam }),
      };
      return await client.perform(listRunMessagesOperation, input, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    // The filters stay visible while messages load.
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (live && state.data?.pages.length === 1 ? LIVE_MS : false),
  });
  const messages = found.data?.pages.flatMap(({ items }) => items);
  if (messages === undefined) {
    return found.error === null ? (
      <Skeleton rows={8} />
    ) : (
      <ErrorNote error={found.error} retry={() => void found.refetch()} />
    );
  }
  const isFiltered = severity !== undefined || contains !== '';
  if (messages.length === 0 && !isFiltered) {
    return (
      <EmptyState
        sentence="This run has no log messages. Programs send them with OpenTelemetry."
        command={`OTEL_RESOURCE_ATTRIBUTES=mlflow.runId=${run}`}
      />
    );
  }
  return (
    <>
      <div className="runs-bar">
        <PausingInput label="Search messages" placeholder="Search messages" value={contains} onValue={setContains} />
        <Select
          aria-label="Severity"
          value={severity ?? ALL}
          data={[
            { value: ALL, label: 'All severities' },
            ...LOG_SEVERITIES.map((value) => ({ value, label: `${value} and above` })),
          ]}
          allowDeselect={false}
          onChange={(value) => setSeverity(LOG_SEVERITIES.find((one) => one === value))}
          comboboxProps={{ withinPortal: false }}
        />
      </div>
      {messages.length === 0 ? (
        <p className="dim">No message matches.</p>
      ) : (
        <PlainTable
          label="Log messages"
          rows={messages}
          keyOf={keyOf}
          columns={[
            { title: 'Time', narrow: true, cell: ({ time }) => <Time at={dateOf(time)} /> },
            { title: 'Severity', narrow: true, cell: severityOf },
            { title: 'Logger', narrow: true, cell: ({ logger = '' }) => logger },
            { title: 'Message', cell: ({ body }) => <code className="run-value">{body}</code> },
          ]}
        />
      )}
      {found.hasNextPage && (
        <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Load older messages
        </Button>
      )}
    </>
  );
}

function keyOf({ time, severity, logger = '', body }: LogMessage): string {
  return `${time} ${severity} ${logger} ${body}`;
}

/** Severity numbers have ranges of four. */
function severityOf({ severity, severityText }: LogMessage): string {
  return severityText ?? LOG_SEVERITIES[Math.floor((severity - 1) / 4)] ?? '';
}

/** `time`: nanoseconds. */
function dateOf(time: string): string {
  return new Date(Number(BigInt(time) / 1_000_000n)).toISOString();
}
