import type { Approval, ModelSpec, ModelVersion } from '@dais/api/registry';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { APPROVAL_STATES, missingWords } from './approval-words.ts';
import { MoveDialog } from './move-dialog.tsx';
import { objectiveColumns } from './objective-columns.tsx';
import { useVersions, type ModelScope } from './use-registry.ts';
import { useVersionMetrics } from './use-version-metrics.ts';
import { runAddress, versionAddress, versionDiffAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { Button, Checkbox } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface VersionsTabProps {
  readonly scope: ModelScope;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
  readonly approvals: readonly Approval[];
  readonly whyNotMove: string | undefined;
}

const NONE: readonly ModelVersion[] = [];

/** All versions, newest first; two selected ones are compared. The URL selects them. */
export function VersionsTab({ scope, spec, aliases, approvals, whyNotMove }: VersionsTabProps) {
  const { project, name } = scope;
  const { versions, more, loadMore, loading, error, again } = useVersions(scope);
  const objectives = spec.objectives ?? [];
  const metrics = useVersionMetrics(project, versions ?? NONE, objectives.length > 0);
  const navigate = useNavigate();
  const { chosen = '' } = useAddressQuery();
  const [moving, setMoving] = useState<number>();
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
        sentence={`No versions of ${name} yet. Register one from a training run.`}
        command={`mlflow.register_model("runs:/RUN/model", "${name}")`}
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
          <Link {...versionDiffAddress(project, name, from, to)}>
            Compare {from} and {to}
          </Link>
        )
      }
    >
      <PlainTable
        label="Versions"
        rows={versions}
        keyOf={({ version }) => version}
        columns={[
          {
            title: 'Compare',
            narrow: true,
            cell: ({ version }) => (
              <Checkbox
                aria-label={`Compare version ${version}`}
                checked={picked.includes(String(version))}
                onChange={() => pick(version)}
              />
            ),
          },
          {
            title: 'Version',
            narrow: true,
            cell: ({ version }) => <Link {...versionAddress(project, name, version)}>version {version}</Link>,
          },
          { title: 'Aliases', cell: (version) => <Called version={version} /> },
          ...objectiveColumns(objectives, metrics),
          { title: 'Approval', cell: ({ version }) => <ApprovalState approvals={approvals} version={version} /> },
          {
            title: 'Run',
            cell: (version) => <RunLink project={project} version={version} />,
          },
          {
            title: 'Tags',
            cell: ({ tags }) =>
              Object.entries(tags)
                .slice(0, 4)
                .map(([key, value]) => (
                  <span key={key} className="label-chip" title={`${key}=${value}`}>
                    {key}={value.slice(0, 24)}
                  </span>
                )),
          },
          {
            title: 'Registered',
            cell: ({ createdAt, createdBy }) => (
              <>
                <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />
              </>
            ),
          },
          {
            title: '',
            narrow: true,
            cell: ({ version }) => (
              <GuardedButton size="compact-xs" variant="default" why={whyNotMove} onClick={() => setMoving(version)}>
                Set alias
              </GuardedButton>
            ),
          },
        ]}
      />
      {more && (
        <p className="panel-more">
          <Button variant="default" loading={loading} onClick={loadMore}>
            Show older versions
          </Button>
        </p>
      )}
      {moving !== undefined && (
        <MoveDialog scope={scope} spec={spec} version={moving} aliases={aliases} close={() => setMoving(undefined)} />
      )}
    </Panel>
  );
}

function Called({ version: { aliases, stage } }: { readonly version: ModelVersion }) {
  return (
    <>
      {aliases.map((alias) => (
        <span key={alias} className="label-chip">
          {alias}
        </span>
      ))}
      {stage !== 'None' && <span className="label-chip">{stage}</span>}
    </>
  );
}

/** The latest approval request of a version. */
function ApprovalState(props: { readonly approvals: readonly Approval[]; readonly version: number }) {
  const found = props.approvals.find(({ version }) => version === props.version);
  if (found === undefined) return null;
  const why = found.missing.length === 0 ? undefined : `By ${missingWords(found.missing)}`;
  return <StateBadge {...APPROVAL_STATES[found.state]} why={why} />;
}

export function RunLink({ project, version }: { readonly project: string; readonly version: ModelVersion }) {
  const { runId } = version;
  if (runId === undefined) return <span className="dim">none</span>;
  return (
    <Link {...runAddress(project, runId)} title={runId}>
      <code>{runId.slice(0, 8)}</code>
    </Link>
  );
}
