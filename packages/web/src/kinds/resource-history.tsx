import type { DaisError, KindSpec, Resource, Revision } from '@dais/api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { cliCommand } from './cli-command.ts';
import { manifestText, revisionText } from './manifest-text.ts';
import type { WhyNot } from './use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { forgetRights } from '#server/own-access.ts';
import { Button, Modal } from '#ui/controls.ts';
import { DiffView } from '#ui/diff-view.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

export interface ResourceHistoryProps {
  readonly kind: KindSpec;
  readonly resource: Resource;
  readonly project: string;
}

/** The command line shows more revisions than these. */
const MOST = 200;

/** Differences between two revisions, and rollback. The URL selects the revisions. */
export function ResourceHistory({
  kind,
  resource,
  project,
  whyNot,
}: ResourceHistoryProps & { readonly whyNot: WhyNot }) {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { name, generation, uid } = resource.metadata;
  const navigate = useNavigate();
  const { from, to } = useAddressQuery();
  const [rollback, setRollback] = useState<Revision>();
  const { data, error, refetch } = useQuery({
    queryKey: ['history', kind.kind, uid, generation],
    queryFn: async ({ signal }) => {
      const revisions: Revision[] = [];
      for await (const revision of client.history(kind.kind, name, {}, { signal })) {
        revisions.push(revision);
        if (revisions.length === MOST) break;
      }
      return revisions;
    },
    // The previous list stays visible until the list of the new generation arrives.
    placeholderData: (before) => before,
  });
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={6} />;
  const find = (text: string | undefined) => data.find((one) => String(one.generation) === text);
  const right = find(to) ?? data[0];
  const left = find(from) ?? (right && data.find((one) => one.generation < right.generation));
  const compare = (a: number | undefined, b: number | undefined) =>
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, from: a?.toString(), to: b?.toString() }),
      replace: true,
    });
  return (
    <div className="resource-tab" style={{ paddingTop: 0 }}>
      <Panel title="Revision history" flush>
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Revisions">
          <table className="revisions">
            <thead>
              <tr>
                <th>Revision</th>
                <th>Time</th>
                <th>Changed by</th>
                <th>Client</th>
                <th>Source</th>
                <th>Compare</th>
                <th>
                  <span className="out-of-sight">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((revision) => (
                <RevisionRow
                  key={revision.generation}
                  revision={revision}
                  present={revision.generation === generation}
                  compared={revision === left || revision === right}
                  withPresent={() => compare(revision.generation, generation)}
                  withBefore={() => compare(revision.generation - 1, revision.generation)}
                  whyNoRollback={whyNot('rollback')}
                  rollback={() => setRollback(revision)}
                />
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      {right !== undefined && (
        <Panel
          title={left === undefined ? `Revision ${right.generation}` : `From ${left.generation} to ${right.generation}`}
          flush
        >
          <DiffView
            label={`From revision ${left?.generation ?? 0} to ${right.generation}`}
            before={left === undefined ? '' : revisionText(resource, left)}
            after={revisionText(resource, right)}
          />
        </Panel>
      )}
      {rollback !== undefined && (
        <RollbackDialog
          kind={kind}
          resource={resource}
          project={project}
          revision={rollback}
          close={() => setRollback(undefined)}
        />
      )}
    </div>
  );
}

interface RevisionRowProps {
  readonly revision: Revision;
  readonly present: boolean;
  readonly compared: boolean;
  readonly withPresent: () => void;
  readonly withBefore: () => void;
  readonly whyNoRollback: string | undefined;
  readonly rollback: () => void;
}

function RevisionRow(props: RevisionRowProps) {
  const { revision, present, compared, withPresent, withBefore, whyNoRollback, rollback } = props;
  const { generation, at, actor, operation, source } = revision;
  return (
    <tr data-compared={compared ? '' : undefined}>
      <td>
        {generation}
        {present && <span className="dim"> current</span>}
      </td>
      <td>
        <Time at={at} />
      </td>
      <td>{actor.id}</td>
      <td>{operation}</td>
      <td>
        {source?.commit === undefined ? null : <code title={source.commit}>{source.commit.slice(0, 8)}</code>}{' '}
        {source?.path}
      </td>
      <td>
        {generation > 1 && (
          <Button
            variant="subtle"
            onClick={withBefore}
            aria-label={`Compare revision ${generation} with previous revision`}
          >
            with previous
          </Button>
        )}
        {!present && (
          <Button
            variant="subtle"
            onClick={withPresent}
            aria-label={`Compare revision ${generation} with current revision`}
          >
            with current
          </Button>
        )}
      </td>
      <td>
        {!present && (
          <GuardedButton
            why={whyNoRollback}
            variant="default"
            leftSection={<Icon name="back" />}
            onClick={rollback}
            aria-label={`Roll back to revision ${generation}`}
          >
            Roll back
          </GuardedButton>
        )}
      </td>
    </tr>
  );
}

interface RollbackDialogProps extends ResourceHistoryProps {
  readonly revision: Revision;
  readonly close: () => void;
}

/** Previews a rollback: the current resource compared with the revision. */
function RollbackDialog({ kind, resource, project, revision, close }: RollbackDialogProps) {
  const queries = useQueryClient();
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { name } = resource.metadata;
  const { generation } = revision;
  const { mutate, isPending, error } = useMutation<Resource, DaisError>({
    mutationFn: async () => await client.rollback(kind.kind, name, { generation }),
    onSuccess: ({ metadata }) => {
      forgetRights(queries);
      toast({
        title: `Rolled back to revision ${generation}`,
        text: `The current revision is ${metadata.generation}.`,
      });
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={`Roll back ${name} to revision ${generation}?`} size="xl">
      <div className="confirm">
        <p>The rollback creates a new revision and keeps the history. Changes:</p>
        <DiffView label="Changes" before={manifestText(resource)} after={revisionText(resource, revision)} />
        {kind.writeOnly !== undefined && (
          <p className="dim">Values of {kind.writeOnly.join(', ')} are not part of revisions and stay unchanged.</p>
        )}
        <p className="dim">
          <code>
            {cliCommand(['rollback', kind.kind.toLowerCase(), name, '--to', String(generation)], kind, project)}
          </code>
        </p>
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button loading={isPending} onClick={() => mutate()} data-autofocus>
            Roll back
          </Button>
        </div>
      </div>
    </Modal>
  );
}
