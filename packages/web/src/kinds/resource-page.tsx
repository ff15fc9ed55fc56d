import { findReferences, type KindSpec, type Resource } from '@dais/api';
import { Link, useNavigate } from '@tanstack/react-router';
import { ResourceTabs } from './resource-tabs.tsx';
import { UnreadPage } from './unread-page.tsx';
import { ChangeButtons } from './resource-actions.tsx';
import { ActionMenu } from './action-menu.tsx';
import { cliCommand } from './cli-command.ts';
import { KindPanels, LeadPanels } from './kind-panels.tsx';
import { heading, plural, singular } from './kind-words.ts';
import { ReferenceLink } from './reference-link.tsx';
import { ResourceOverview } from './resource-overview.tsx';
import { resourceState } from './resource-state.ts';
import { useCopyForms, type CopySources } from './use-copy-forms.ts';
import { useKind } from './use-kind.ts';
import { useWhyNot } from './use-why-not.ts';
import { changeAddress, listAddress } from '#addresses.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveResource } from '#server/use-live-resource.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { showReason } from '#ui/toast.ts';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import './resource-page.css';

/** One resource of any kind: its specification, status and history. */
export function ResourcePage() {
  const kind = useKind();
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  // A link from one resource to another must close an open dialog.
  return <OneResource key={`${kind.kind} ${project} ${name}`} kind={kind} project={project} name={name} />;
}

interface OneResourceProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly name: string;
}

function OneResource({ kind, project, name }: OneResourceProps) {
  const { tab = 'overview' } = useAddressQuery();
  const navigate = useNavigate();
  const { resource, gone, error, retry } = useLiveResource(kind, project, name);
  const change = changeAddress(kind, project, name);
  const whyNot = useWhyNot(kind, project, resource);
  const noEdit = whyNot('update');
  useShortcuts([
    { keys: 'e', title: '', run: () => (noEdit === undefined ? void navigate(change) : showReason(noEdit)) },
  ]);
  const forms = useCopyForms({
    command: cliCommand([COMMANDS[tab] ?? 'describe', kind.kind.toLowerCase(), name], kind, project),
    manifest:
      resource === undefined
        ? undefined
        : { title: 'Manifest', text: async () => (await import('./manifest-text.ts')).manifestText(resource) },
    call: callOf(tab, kind, project, name),
  });
  const title = `${heading(singular(kind))} ${name}`;
  if (resource === undefined) {
    return <UnreadPage title={title} kind={kind} project={project} error={error} retry={retry} />;
  }
  const state = resourceState(resource);
  return (
    <div className="page">
      <PageHead
        title={title}
        under={
          <>
            {state !== undefined && <StateBadge {...state} />}
            <Strip kind={kind} resource={resource} project={project} />
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <ActionMenu kind={kind} project={project} name={name} whyNot={whyNot} />
            <ChangeButtons kind={kind} project={project} name={name} whyNot={whyNot} />
          </>
        }
      />
      {gone && (
        <div className="note note-failed" role="alert">
          <StateBadge state="off" word="This resource was deleted" />
          <p>
            This page shows its last state. <Link {...listAddress(kind, project)}>All {plural(kind)}</Link>
          </p>
        </div>
      )}
      {error !== undefined && !gone && <ErrorNote error={error} retry={retry} />}
      <ResourceTabs
        kind={kind}
        project={project}
        resource={resource}
        lead={[
          {
            name: 'overview',
            title: 'Overview',
            panel: (
              <div className="resource-overview">
                <LeadPanels kind={kind} resource={resource} project={project} />
                <ResourceOverview kind={kind} resource={resource} project={project} />
                <KindPanels kind={kind} resource={resource} project={project} />
              </div>
            ),
          },
        ]}
      />
    </div>
  );
}

/** Upstream and downstream objects. */
function Strip({
  kind,
  resource,
  project,
}: {
  readonly kind: KindSpec;
  readonly resource: Resource;
  readonly project: string;
}) {
  const references = findReferences(kind.spec, resource.spec);
  const { source, origin } = resource.metadata;
  return (
    <>
      <Link {...listAddress(kind, project)}>{heading(plural(kind))}</Link>
      {source?.path !== undefined && (
        <span>
          from <code>{source.path}</code>
          {source.commit !== undefined && (
            <>
              {' '}
              at <code title={source.commit}>{source.commit.slice(0, 8)}</code>
            </>
          )}
        </span>
      )}
      {origin !== 'manifest' && <span>created by {origin}</span>}
      {references.length > 0 && (
        <span>
          uses{' '}
          {references.slice(0, 8).map(({ kind: word, name, path }, at) => (
            <span key={path}>
              {at > 0 && ', '}
              {word} <ReferenceLink kind={word} name={name} project={project} />
            </span>
          ))}
        </span>
      )}
    </>
  );
}

/** The equivalent command; other tabs are parts of `describe`. */
const COMMANDS: Readonly<Record<string, string>> = { history: 'history', events: 'events' };

function callOf(tab: string, kind: KindSpec, project: string, name: string): CopySources['call'] {
  const scope = kind.scope === 'org' ? undefined : project;
  if (tab === 'events') {
    const path = scope === undefined ? '/api/v1/organization/events' : '/api/v1/events';
    return { project: scope, path, query: { kind: kind.kind, name } };
  }
  const path = `/api/v1/${kind.plural}/${encodeURIComponent(name)}`;
  return { project: scope, path: tab === 'history' ? `${path}/history` : path };
}
