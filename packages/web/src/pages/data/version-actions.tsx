import { datasetKind } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { useState } from 'react';
import type { DatasetScope } from './use-data.ts';
import { VersionDialog, type VersionVerb } from './version-dialog.tsx';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Menu } from '#ui/controls.ts';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';

export interface VersionActionsProps {
  readonly scope: DatasetScope;
  readonly version: DatasetVersion;
  /** Shown in a table row. */
  readonly small?: boolean;
}

const ACTIONS: Readonly<Record<VersionVerb, string>> = {
  tag: 'dataset:push',
  restore: 'dataset:push',
  release: 'dataset:release',
  delete: 'dataset:delete',
};

const TITLES: Readonly<Record<VersionVerb, string>> = {
  tag: 'Set tag',
  restore: 'Restore as latest version',
  release: 'Release from quarantine',
  delete: 'Delete files',
};

/** Actions of a version, with reasons for the unavailable ones. */
export function VersionActions({ scope, version, small = false }: VersionActionsProps) {
  const { project, name } = scope;
  const [dialog, setDialog] = useState<VersionVerb>();
  const whyNot = useWhyNotDo(project, datasetKind.kind, [...new Set(Object.values(ACTIONS))], name);
  const why = (verb: VersionVerb) => stateWhy(verb, version) ?? whyNot(ACTIONS[verb]);
  const verbs: readonly VersionVerb[] =
    small && version.state === 'quarantined' ? ['release', 'tag', 'restore', 'delete'] : ['tag', 'restore', 'delete'];
  return (
    <>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <Button
            variant="default"
            {...(small && { size: 'compact-xs' })}
            // The accessible name starts with the visible label.
            aria-label={small ? `Actions on version ${version.number}` : 'More actions'}
          >
            {small ? <Icon name="more" /> : 'More'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {verbs.map((verb) => {
            const reason = why(verb);
            return (
              <Menu.Item
                key={verb}
                // The button keeps the focus, so that the reason is reachable.
                {...(reason !== undefined && { 'data-disabled': true })}
                aria-disabled={reason !== undefined}
                closeMenuOnClick={reason === undefined}
                onClick={() => reason === undefined && setDialog(verb)}
              >
                {TITLES[verb]}
                {reason !== undefined && <span className="data-why">{reason}</span>}
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
      {!small && version.state === 'quarantined' && (
        <GuardedButton why={why('release')} onClick={() => setDialog('release')}>
          Release
        </GuardedButton>
      )}
      {dialog !== undefined && (
        <VersionDialog scope={scope} version={version} verb={dialog} close={() => setDialog(undefined)} />
      )}
    </>
  );
}

/** The server decides each request again; this only avoids requests that it would refuse. */
function stateWhy(verb: VersionVerb, { state, tags }: DatasetVersion): string | undefined {
  if (state === 'deleted') return 'The files were deleted.';
  if (verb === 'delete' && tags.length > 0) return `The version has the tag ${tags[0]}. Remove the tag first.`;
  return verb === 'restore' && state === 'building' ? 'The version is still being validated.' : undefined;
}
