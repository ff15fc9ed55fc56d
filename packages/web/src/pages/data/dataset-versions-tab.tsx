import type { DatasetVersion } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { bytesText, changeText, countText, sourceText, VERSION_STATES } from './data-words.ts';
import { useDatasetVersions, type DatasetScope } from './use-data.ts';
import { VersionActions } from './version-actions.tsx';
import { datasetDiffAddress, datasetVersionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { Button, Checkbox } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/label-chip.css';

/** All versions, newest first; two selected ones are compared. The URL selects them. */
export function DatasetVersionsTab({ scope }: { readonly scope: DatasetScope }) {
  const { project, name } = scope;
  const { versions, more, loadMore, loading, error, again } = useDatasetVersions(scope);
  const navigate = useNavigate();
  const { chosen = '' } = useAddressQuery();
  const picked = chosen.split(',').filter((one) => /^\d+$/.test(one));
  const pick = (version: number) => {
    const text = String(version);
    // A third selection replaces the first.
    const next = picked.includes(text) ? picked.filter((one) => one !== text) : [...picked, text].slice(-2);
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, chosen: next.length === 0 ? undefined : next.join(',') }),
      replace: true,
    });
  };
  if (error !== null) return <ErrorNote error={error} retry={again} />;
  if (versions === undefined) return <Skeleton rows={6} />;
  if (versions.length === 0) {
    return (
      <EmptyState
        sentence={`No versions of ${name} yet. Each push with new data creates one.`}
        command={daisCommand(['data', 'push', name, 'FILE'], project)}
      />
    );
  }
  const [from, to] = picked.map(Number).toSorted((a, b) => a - b);
  return (
    <Panel
      title="Newest first"
      flush
      actions={
        from === undefined || to === undefined ? (
          <span className="dim">Select two versions to compare</span>
        ) : (
          <Link {...datasetDiffAddress(project, name, from, to)}>
            Compare {from} and {to}
          </Link>
        )
      }
    >
      <PlainTable
        label="Versions"
        rows={versions}
        keyOf={({ number }) => number}
        columns={[
          {
            title: 'Compare',
            narrow: true,
            cell: ({ number, state }) => (
              <Checkbox
                aria-label={`Compare version ${number}`}
                checked={picked.includes(String(number))}
                disabled={state === 'deleted'}
                onChange={() => pick(number)}
              />
            ),
          },
          {
            title: 'Version',
            narrow: true,
            cell: ({ number }) => <Link {...datasetVersionAddress(project, name, number)}>version {number}</Link>,
          },
          {
            title: 'State',
            cell: ({ state, reason }) => (
              <>
                <StateBadge {...VERSION_STATES[state]} why={reason} />
                {reason !== undefined && <div className="dim data-reason">{reason}</div>}
              </>
            ),
          },
          { title: 'Tags', cell: ({ tags }) => <Tags tags={tags} /> },
          {
            title: 'Rows',
            narrow: true,
            cell: (version) => <Rows version={version} before={before(versions, version)} />,
          },
          {
            title: 'Columns',
            narrow: true,
            cell: (version) => <Columns version={version} before={before(versions, version)} />,
          },
          {
            title: 'Size',
            narrow: true,
            about: 'Size of the files, and what earlier versions do not share',
            cell: ({ bytes, newBytes }) => (
              <>
                {bytesText(bytes)}{' '}
                <span className="dim">{newBytes === 0 ? 'no new data' : `${bytesText(newBytes)} new`}</span>
              </>
            ),
          },
          {
            title: 'Created',
            cell: ({ createdAt, createdBy, source, message }) => (
              <>
                <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />{' '}
                <span className="dim">from {sourceText(source)}</span>
                {message !== '' && <div>{message}</div>}
              </>
            ),
          },
          { title: '', narrow: true, cell: (version) => <VersionActions scope={scope} version={version} small /> },
        ]}
      />
      {more && (
        <p className="panel-more">
          <Button variant="default" loading={loading} onClick={loadMore}>
            Show older versions
          </Button>
        </p>
      )}
    </Panel>
  );
}

/** The previous existing version; undefined: not loaded yet, or none. */
function before(versions: readonly DatasetVersion[], { number }: DatasetVersion): DatasetVersion | undefined {
  return versions.find((other) => other.number < number);
}

interface ChangeProps {
  readonly version: DatasetVersion;
  readonly before: DatasetVersion | undefined;
}

function Rows({ version, before: older }: ChangeProps) {
  const change = older === undefined ? '' : changeText(version.rows - older.rows);
  return (
    <>
      {countText(version.rows)} {change !== '' && <span className="dim">{change}</span>}
    </>
  );
}

function Columns({ version, before: older }: ChangeProps) {
  const names = version.schema.columns.map(({ name }) => name);
  if (older === undefined) return countText(names.length);
  const had = new Set(older.schema.columns.map(({ name }) => name));
  const has = new Set(names);
  const added = names.filter((name) => !had.has(name));
  const removed = [...had].filter((name) => !has.has(name));
  const title = [
    ...added.slice(0, 10).map((name) => `+ ${name}`),
    ...removed.slice(0, 10).map((name) => `− ${name}`),
  ].join('\n');
  return (
    <span title={title === '' ? undefined : title}>
      {countText(names.length)}{' '}
      <span className="dim">{[changeText(added.length), changeText(-removed.length)].filter(Boolean).join(' ')}</span>
    </span>
  );
}

export function Tags({ tags }: { readonly tags: readonly string[] }) {
  return tags.map((tag) => (
    <span key={tag} className="label-chip">
      {tag}
    </span>
  ));
}
