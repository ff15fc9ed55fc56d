import { modelKind, type ModelSpec, type ModelVersion } from '@dais/api/registry';
import { Link, Navigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ApprovalsTab } from './approvals-tab.tsx';
import { modelSpecOf } from './model-spec.ts';
import { MoveDialog } from './move-dialog.tsx';
import { ObjectivesPanel } from './objectives-panel.tsx';
import { PendingApprovals } from './pending-approvals.tsx';
import { SafetyPanel } from './safety-panel.tsx';
import {
  useApprovals,
  useModel,
  useModelScope,
  useModelResource,
  useVersion,
  type ModelScope,
} from './use-registry.ts';
import { useVersionFacts, type VersionFacts } from './use-version-facts.ts';
import { VersionStrip } from './version-strip.tsx';
import { VersionPanels } from './version-panels.tsx';
import { listAddress, promptAddress, resourceAddress, versionDiffAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { CommentsPanel } from '#pages/comments/comments-panel.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Menu } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import '#ui/label-chip.css';
import './models.css';

/** One version of a model: its lineage, metrics and approvals. */
export function VersionPage() {
  const project = useCurrentProject();
  const { name = '', version = '' } = useAddressFields();
  return <OneVersion key={`${project} ${name} ${version}`} project={project} name={name} number={version} />;
}

function OneVersion(props: { readonly project: string; readonly name: string; readonly number: string }) {
  const { project, name, number } = props;
  const scope = useModelScope(project, name);
  const { data: version, error, refetch } = useVersion(scope, number);
  const model = useModel(scope);
  const resource = useModelResource(scope);
  const approvals = useApprovals(scope);
  const facts = useVersionFacts(project, version);
  const title = `${name} version ${number}`;
  if (version === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...resourceAddress(modelKind, project, name)}>All versions of {name}</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  if (version.type === 'prompt') return <Navigate {...promptAddress(project, name, { version: number })} replace />;
  const spec = modelSpecOf(resource.data);
  const own = (approvals.data ?? []).filter((one) => one.version === version.version);
  return (
    <div className="page">
      <PageHead
        title={title}
        under={
          <>
            <Link {...listAddress(modelKind, project)}>Models</Link>
            <Link {...resourceAddress(modelKind, project, name)}>{name}</Link>
            <VersionStrip project={project} version={version} />
          </>
        }
        actions={
          <Actions scope={scope} version={version} spec={spec} aliases={model.data?.aliases ?? {}} facts={facts} />
        }
      />
      <PendingApprovals project={project} approvals={own.filter(({ state }) => state === 'pending')} />
      <ObjectivesPanel objectives={spec.objectives ?? []} after={facts.metrics} afterTitle={`Version ${number}`} />
      <SafetyPanel scope={scope} version={number} />
      <VersionPanels project={project} version={version} facts={facts} />
      {own.length > 0 && <ApprovalsTab project={project} approvals={own} />}
      <CommentsPanel project={project} about={{ name, version: number }} queryKey={scope.key} ready={scope.ready} />
    </div>
  );
}

interface ActionsProps {
  readonly scope: ModelScope;
  readonly version: ModelVersion;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
  readonly facts: VersionFacts;
}

function Actions({ scope, version: { version, aliases: own }, spec, aliases, facts }: ActionsProps) {
  const { project, name } = scope;
  const [moving, setMoving] = useState(false);
  const why = useWhyNotDo(project, 'Model', ['model:promote'], name)('model:promote');
  const forms = useCopyForms({
    command: daisCommand(['describe', 'model', name], project),
    call: { project, path: `/api/v1/registry/models/${encodeURIComponent(name)}/versions/${version}` },
  });
  const address = own[0] === undefined ? `models:/${name}/${version}` : `models:/${name}@${own[0]}`;
  return (
    <>
      <CopyAs
        forms={[
          { title: 'URI for clients', preview: address, text: () => address },
          ...(facts.file?.flavors.includes('python_function') === true
            ? [
                {
                  title: 'Python (load the model)',
                  text: () => `import mlflow\n\nmodel = mlflow.pyfunc.load_model("${address}")\n`,
                },
              ]
            : []),
          ...forms,
        ]}
      />
      <CompareMenu scope={scope} version={version} aliases={aliases} />
      <GuardedButton why={why} onClick={() => setMoving(true)}>
        Set alias
      </GuardedButton>
      {moving && (
        <MoveDialog scope={scope} spec={spec} version={version} aliases={aliases} close={() => setMoving(false)} />
      )}
    </>
  );
}

interface CompareMenuProps {
  readonly scope: ModelScope;
  readonly version: number;
  readonly aliases: Readonly<Record<string, number>>;
}

/** Comparisons with the previous version and with the version in use. */
function CompareMenu({ scope: { project, name }, version, aliases }: CompareMenuProps) {
  const others = [
    ...(version > 1 ? [{ title: `previous version ${version - 1}`, number: version - 1 }] : []),
    ...Object.entries(aliases)
      .filter(([, number]) => number !== version)
      .map(([alias, number]) => ({ title: `${alias}: version ${number}`, number })),
  ];
  if (others.length === 0) return null;
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" rightSection={<Icon name="down" />}>
          Compare with
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {others.map(({ title, number }) => (
          <Menu.Item
            key={title}
            renderRoot={(props: object) => <Link {...versionDiffAddress(project, name, number, version)} {...props} />}
          >
            {title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
