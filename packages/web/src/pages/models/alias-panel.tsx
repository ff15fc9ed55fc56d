import type { DaisError } from '@dais/api';
import { removeModelAliasOperation, type ModelSpec } from '@dais/api/registry';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { approverNames, listed } from './approval-words.ts';
import type { ModelScope } from './use-registry.ts';
import { versionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Confirm } from '#ui/confirm.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { toast } from '#ui/toast.ts';

export interface AliasPanelProps {
  readonly scope: ModelScope;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
}

interface Row {
  readonly alias: string;
  readonly version: number | undefined;
  readonly approvers: string;
}

/** The aliases of a model: the version of each, and the required approvals of a change. */
export function AliasPanel({ scope, spec, aliases }: AliasPanelProps) {
  const { project, name } = scope;
  const [removing, setRemoving] = useState<string>();
  const why = useWhyNotDo(project, 'Model', ['model:promote'], name)('model:promote');
  const rows = aliasRows(spec, aliases);
  return (
    <Panel title="Aliases" flush={rows.length > 0}>
      {rows.length === 0 ? (
        <p className="dim">No aliases yet. Use “Set alias” on a version.</p>
      ) : (
        <PlainTable
          label="Alias assignments"
          rows={rows}
          keyOf={({ alias }) => alias}
          columns={[
            { title: 'Alias', cell: ({ alias }) => <code>{alias}</code> },
            {
              title: 'Version',
              cell: ({ version }) =>
                version === undefined ? (
                  <span className="dim">none yet</span>
                ) : (
                  <Link {...versionAddress(project, name, version)}>version {version}</Link>
                ),
            },
            {
              title: 'Approval',
              cell: ({ approvers }) => (approvers === '' ? 'not required' : `by ${approvers}`),
            },
            {
              title: '',
              narrow: true,
              cell: ({ alias, version }) =>
                version === undefined ? null : (
                  <GuardedButton
                    size="compact-xs"
                    variant="default"
                    why={why}
                    hint={`No version has the alias ${alias} then`}
                    onClick={() => setRemoving(alias)}
                  >
                    Remove alias
                  </GuardedButton>
                ),
            },
          ]}
        />
      )}
      {removing !== undefined && (
        <RemoveAlias scope={scope} alias={removing} version={aliases[removing]} close={() => setRemoving(undefined)} />
      )}
    </Panel>
  );
}

/** Aliases of rules are always listed: they wait for a version. */
function aliasRows({ approvals = [] }: ModelSpec, aliases: Readonly<Record<string, number>>): readonly Row[] {
  const names = new Set([...Object.keys(aliases), ...approvals.flatMap((rule) => rule.aliases ?? [])]);
  return [...names].toSorted().map((alias) => ({
    alias,
    version: aliases[alias],
    approvers: listed(approvals.filter((rule) => rule.aliases?.includes(alias) === true).map(approverNames)),
  }));
}

interface RemoveAliasProps {
  readonly scope: ModelScope;
  readonly alias: string;
  readonly version: number | undefined;
  readonly close: () => void;
}

function RemoveAlias({ scope, alias, version, close }: RemoveAliasProps) {
  const client = useClient(scope.project);
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.perform(removeModelAliasOperation, { name: scope.name, alias }),
    onSuccess: () => {
      toast({ title: `Alias ${alias} removed` });
      void queries.invalidateQueries({ queryKey: scope.key });
      close();
    },
  });
  return (
    <Confirm
      title={`Remove alias ${alias}?`}
      verb="Remove alias"
      busy={isPending}
      confirm={() => mutate()}
      close={close}
    >
      <p>
        Clients that load <code>{`models:/${scope.name}@${alias}`}</code> fail after this; the alias now points to
        version {version}. You can set the alias again. If a rule requires approval, the version needs approval again.
      </p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}
