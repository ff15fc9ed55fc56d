import type { DaisError } from '@dais/api';
import { listModelDecisionsOperation, type MonitorDecision } from '@dais/api/monitoring';
import { useQuery } from '@tanstack/react-query';
import type { ModelScope } from './use-registry.ts';
import { DecisionsPanel } from '#pages/monitors/decisions-panel.tsx';
import { useClient } from '#server/console-context.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

const DECISIONS = 200;
const POLL_MS = 10_000;

/** Decisions that alerts about the model triggered, of all monitors. */
export function DecisionsTab({ scope }: { readonly scope: ModelScope }) {
  const { project, name, key, ready } = scope;
  const client = useClient(project);
  const { data, error, refetch } = useQuery<readonly MonitorDecision[], DaisError>({
    queryKey: [...key, 'decisions'],
    queryFn: async ({ signal }) =>
      (await client.perform(listModelDecisionsOperation, { model: name, limit: DECISIONS }, { signal })).items,
    enabled: ready,
    // They are events of monitors, not of the model.
    refetchInterval: POLL_MS,
  });
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  return data === undefined ? <Skeleton rows={4} /> : <DecisionsPanel project={project} decisions={data} named />;
}
