import { type DaisError } from '@dais/api';
import {
  featureViewKind,
  materializeFeaturesOperation,
  type FeatureViewState,
  type Materialization,
} from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { WORK_STATES } from './feature-words.ts';
import { goesOn, useMaterializations, type FeaturesScope } from './use-features.ts';
import type { ViewSpec } from './view-spec.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { countText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

export interface MaterializationsPanelProps {
  readonly scope: FeaturesScope;
  readonly view: string;
  readonly spec: ViewSpec;
  readonly state: FeatureViewState | undefined;
}

/** Materializations of a view, with the action to start one. */
export function MaterializationsPanel({ scope, view, spec, state }: MaterializationsPanelProps) {
  const { project, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const { data, error, refetch } = useMaterializations(scope, view);
  const whyNot = useWhyNotDo(
    project,
    featureViewKind.kind,
    ['featureView:materialize'],
    view,
  )('featureView:materialize');
  const start = useMutation<Materialization, DaisError, 'full' | 'incremental'>({
    mutationFn: async (mode) => await client.perform(materializeFeaturesOperation, { view, mode }),
    onSuccess: (_, mode) => {
      toast({
        title: mode === 'full' ? 'Materialized' : 'Incremental materialization finished',
        text: view,
        state: 'waiting',
      });
      void queries.invalidateQueries({ queryKey: key });
    },
  });
  const why = stateWhy(spec, state, data) ?? whyNot;
  return (
    <Panel
      title="Materializations"
      flush={(data?.length ?? 0) > 0}
      actions={
        <>
          {spec.refresh !== undefined && <span className="dim">automatically every {spec.refresh.every}</span>}
          <GuardedButton
            size="compact-xs"
            variant="default"
            why={why}
            loading={start.isPending && start.variables === 'full'}
            onClick={() => start.mutate('full')}
          >
            Materialize all
          </GuardedButton>
          <GuardedButton
            size="compact-xs"
            why={why}
            loading={start.isPending && start.variables === 'incremental'}
            onClick={() => start.mutate('incremental')}
          >
            Materialize new rows
          </GuardedButton>
        </>
      }
    >
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {start.error !== null && <ErrorNote error={start.error} />}
      {data?.length === 0 ? (
        <p className="dim">No materializations yet.</p>
      ) : (
        <PlainTable
          label="Materialization history"
          rows={data ?? []}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'State',
              narrow: true,
              cell: (one) => (
                <StateBadge state={WORK_STATES[one.state].state} word={WORK_STATES[one.state].word} why={one.error} />
              ),
            },
            { title: 'Mode', narrow: true, cell: ({ mode }) => (mode === 'full' ? 'all' : 'incremental') },
            {
              title: 'Event times',
              cell: ({ start: from, end }) => (
                <>
                  {from === undefined ? 'from the beginning' : <Time at={from} />} to <Time at={end} />
                </>
              ),
            },
            {
              title: 'Version',
              cell: ({ dataset }) => {
                const [name = '', version = ''] = dataset?.split('@') ?? [];
                return (
                  dataset !== undefined && <Link {...datasetVersionAddress(project, name, version)}>{dataset}</Link>
                );
              },
            },
            { title: 'Keys', narrow: true, cell: ({ entities }) => countText(entities) },
            {
              title: 'Newer keys',
              narrow: true,
              about: 'Keys with newer values than the online store',
              cell: ({ written }) => countText(written),
            },
            {
              title: 'Started',
              cell: ({ createdAt, createdBy, error: problem }) => (
                <>
                  <Time at={createdAt} /> by <By who={createdBy} project={project} />
                  {problem !== undefined && <div>{problem}</div>}
                </>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

/** The server decides each request again; this only avoids requests that it would refuse. */
function stateWhy(
  { source, online }: ViewSpec,
  state: FeatureViewState | undefined,
  works: readonly Materialization[] | undefined,
): string | undefined {
  if (source.type === 'push') return 'Clients push the values of this view. It cannot be materialized.';
  if (source.type === 'onDemand') return 'The values are computed on read.';
  if (online === false || state?.online === false) return 'The view is not served online (`online: false`).';
  return works?.some(goesOn) === true ? 'A materialization is in progress.' : undefined;
}

/** `user:ada`, as recorded. */
export function By({ who, project }: { readonly who: string; readonly project: string }) {
  const [type = '', ...rest] = who.split(':');
  return <ActorName actor={{ type, id: rest.join(':') }} project={project} />;
}
