import type { ModelSpec, ModelVersion } from '@dais/api/registry';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { prettyJson, promptTextOf, type PromptText } from './prompt-text.ts';
import { promptsAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { CommentsPanel } from '#pages/comments/comments-panel.tsx';
import { AliasPanel } from '#pages/models/alias-panel.tsx';
import { modelSpecOf } from '#pages/models/model-spec.ts';
import { MoveDialog } from '#pages/models/move-dialog.tsx';
import { PendingApprovals } from '#pages/models/pending-approvals.tsx';
import {
  useApprovals,
  useModel,
  useModelScope,
  useModelResource,
  useVersions,
  type ModelScope,
} from '#pages/models/use-registry.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { DiffView } from '#ui/diff-view.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/label-chip.css';
import '#pages/models/models.css';
import './prompts.css';

/** One prompt: `?version=` selects a version, `?from=` another for comparison. */
export function PromptPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OnePrompt key={`${project} ${name}`} project={project} name={name} />;
}

function OnePrompt({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useModelScope(project, name);
  const model = useModel(scope);
  const resource = useModelResource(scope);
  const approvals = useApprovals(scope);
  const found = useVersions(scope);
  const { version: requested, from } = useAddressQuery();
  const error = model.error ?? found.error;
  const versions = found.versions;
  const version = versions?.find((one) => String(one.version) === requested) ?? versions?.[0];
  const before = versions?.find((one) => String(one.version) === from);
  const spec = modelSpecOf(resource.data);
  const aliases = model.data?.aliases ?? {};
  return (
    <div className="page">
      <PageHead
        title={`Prompt ${name}`}
        under={
          <>
            <Link {...promptsAddress(project)}>Prompts</Link>
            {model.data !== undefined && model.data.description !== '' && <span>{model.data.description}</span>}
          </>
        }
        actions={version !== undefined && <Actions scope={scope} version={version} spec={spec} aliases={aliases} />}
      />
      {error !== null && (
        <ErrorNote error={error} retry={found.again}>
          <p>
            <Link {...promptsAddress(project)}>All prompts</Link>
          </p>
        </ErrorNote>
      )}
      {error === null && (versions === undefined || model.data === undefined) && <Skeleton rows={8} />}
      {versions !== undefined && model.data !== undefined && (
        <>
          <PendingApprovals
            project={project}
            approvals={(approvals.data ?? []).filter(({ state }) => state === 'pending')}
          />
          <AliasPanel scope={scope} spec={spec} aliases={aliases} />
          {version === undefined ? (
            <EmptyState sentence={`No versions of ${name} yet.`} />
          ) : (
            <div className="prompt">
              <VersionList
                project={project}
                versions={versions}
                shown={version.version}
                more={found.more}
                loadMore={found.loadMore}
              />
              <div className="version-grid">
                <VersionText version={version} before={before} versions={versions} />
                <CommentsPanel
                  key={version.version}
                  project={project}
                  about={{ name, version: String(version.version) }}
                  queryKey={scope.key}
                  ready={scope.ready}
                />
              </div>
            </div>
          )}
        </>
      )}
    </div>
  );
}

interface ActionsProps {
  readonly scope: ModelScope;
  readonly version: ModelVersion;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
}

function Actions({ scope, version: { version, aliases: own }, spec, aliases }: ActionsProps) {
  const { project, name } = scope;
  const [moving, setMoving] = useState(false);
  const why = useWhyNotDo(project, 'Model', ['model:promote'], name)('model:promote');
  const address = own[0] === undefined ? `prompts:/${name}/${version}` : `prompts:/${name}@${own[0]}`;
  const forms = useCopyForms({
    command: daisCommand(['describe', 'model', name], project),
    call: { project, path: `/api/v1/registry/models/${encodeURIComponent(name)}/versions/${version}` },
  });
  return (
    <>
      <CopyAs
        forms={[
          { title: 'URI for clients', preview: address, text: () => address },
          {
            title: 'Python (load the prompt)',
            text: () => `import mlflow\n\nprompt = mlflow.genai.load_prompt("${address}")\n`,
          },
          ...forms,
        ]}
      />
      <GuardedButton why={why} onClick={() => setMoving(true)}>
        Set alias on version {version}
      </GuardedButton>
      {moving && (
        <MoveDialog scope={scope} spec={spec} version={version} aliases={aliases} close={() => setMoving(false)} />
      )}
    </>
  );
}

interface VersionListProps {
  readonly project: string;
  readonly versions: readonly ModelVersion[];
  readonly shown: number;
  readonly more: boolean;
  readonly loadMore: () => void;
}

function VersionList({ project, versions, shown, more, loadMore }: VersionListProps) {
  return (
    <Panel title="Versions" flush>
      <PlainTable
        label="Versions, newest first"
        rows={versions}
        keyOf={({ version }) => version}
        selected={shown}
        columns={[
          {
            title: 'Version',
            narrow: true,
            cell: ({ version }) => (
              <Link
                to="."
                search={(now: object) => ({ ...now, version: String(version) })}
                aria-current={version === shown ? 'true' : undefined}
              >
                version {version}
              </Link>
            ),
          },
          {
            title: 'What changed',
            cell: ({ aliases, description }) => (
              <>
                {aliases.map((alias) => (
                  <span key={alias} className="label-chip">
                    {alias}
                  </span>
                ))}
                {description}
              </>
            ),
          },
          {
            title: 'Registered',
            narrow: true,
            cell: ({ createdAt, createdBy }) => (
              <>
                <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />
              </>
            ),
          },
        ]}
      />
      {more && (
        <p className="panel-more">
          <Button variant="default" onClick={loadMore}>
            Show older versions
          </Button>
        </p>
      )}
    </Panel>
  );
}

interface VersionTextProps {
  readonly version: ModelVersion;
  readonly before: ModelVersion | undefined;
  readonly versions: readonly ModelVersion[];
}

function VersionText({ version, before, versions }: VersionTextProps) {
  const navigate = useNavigate();
  const text = promptTextOf(version);
  const others = versions.filter((one) => one.version !== version.version);
  const compare = (value: string | null) =>
    void navigate({
      to: '.',
      search: (now: object) => ({ ...now, from: value === null || value === '' ? undefined : value }),
      replace: true,
    });
  return (
    <>
      {others.length > 0 && (
        <Select
          label="Compare with"
          value={before === undefined ? '' : String(before.version)}
          data={[
            { value: '', label: 'nothing' },
            ...others.map((one) => ({
              value: String(one.version),
              label: [`version ${one.version}`, ...one.aliases].join(', '),
            })),
          ]}
          allowDeselect={false}
          onChange={compare}
        />
      )}
      {before === undefined || before.version === version.version ? (
        <Panel title={`Version ${version.version}`} actions={<CopyButton text={text.text} label="Copy text" />}>
          <Messages text={text} />
        </Panel>
      ) : (
        <Panel title={`From version ${before.version} to ${version.version}`} flush>
          <DiffView
            before={promptTextOf(before).text}
            after={text.text}
            label={`Changes from version ${before.version} to ${version.version}`}
          />
        </Panel>
      )}
      <Panel title="Details">
        <KeyValue label="Details" pairs={aboutPairs(text)} />
      </Panel>
    </>
  );
}

function Messages({ text: { messages } }: { readonly text: PromptText }) {
  return messages.map(({ role, content }, at) => (
    <div key={at} className="prompt-message">
      {role !== '' && <strong>{role}</strong>}
      <pre tabIndex={0}>{content}</pre>
    </div>
  ));
}

function aboutPairs({ variables, settings, responseFormat, tags }: PromptText) {
  return [
    {
      key: 'variables',
      about: 'Names between double braces.',
      value:
        variables.length === 0 ? (
          <span className="dim">nothing</span>
        ) : (
          variables.map((name) => (
            <code key={name} className="label-chip">
              {name}
            </code>
          ))
        ),
    },
    ...(settings === undefined
      ? []
      : [{ key: 'model settings', value: <pre className="yaml-text">{prettyJson(settings)}</pre> }]),
    ...(responseFormat === undefined
      ? []
      : [{ key: 'response format', value: <pre className="yaml-text">{prettyJson(responseFormat)}</pre> }]),
    ...Object.entries(tags).map(([key, value]) => ({ key: `tag ${key}`, value })),
  ];
}
