import { Link } from '@tanstack/react-router';
import { WORK_STATES } from './feature-words.ts';
import { By } from './materializations-panel.tsx';
import { useBuilds, type FeaturesScope } from './use-features.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { countText } from '#pages/data/data-words.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

/** Training sets that were built with a service: source rows and versions. */
export function BuildsPanel({ scope, service }: { readonly scope: FeaturesScope; readonly service: string }) {
  const { project } = scope;
  const { data, error, refetch } = useBuilds(scope);
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={4} />;
  const builds = data.filter((build) => build.service === service);
  if (builds.length === 0) {
    return (
      <EmptyState
        sentence="No training sets yet. Training sets built with this feature service are listed here."
        command={daisCommand(
          ['features', 'build', 'TRAINING', '--service', service, '--entities', 'DATASET@latest'],
          project,
        )}
      />
    );
  }
  const version = (reference: string) => {
    const [name = '', which = ''] = reference.split('@');
    return <Link {...datasetVersionAddress(project, name, which)}>{reference}</Link>;
  };
  return (
    <Panel title="Newest first" flush>
      <PlainTable
        label="Training sets"
        rows={builds}
        keyOf={({ id }) => id}
        columns={[
          {
            title: 'State',
            narrow: true,
            cell: (one) => (
              <StateBadge state={WORK_STATES[one.state].state} word={WORK_STATES[one.state].word} why={one.error} />
            ),
          },
          {
            title: 'Training set',
            cell: ({ dataset, version: number }) => (number === undefined ? dataset : version(`${dataset}@${number}`)),
          },
          { title: 'Rows from', cell: ({ entities }) => entities !== undefined && version(entities) },
          {
            title: 'Version',
            cell: ({ sources }) =>
              sources.map((source, at) => (
                <span key={source}>
                  {at > 0 && ', '}
                  {version(source)}
                </span>
              )),
          },
          { title: 'Rows', narrow: true, cell: ({ rows }) => rows !== undefined && countText(rows) },
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
    </Panel>
  );
}
