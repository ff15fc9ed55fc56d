import type { ModelVersion } from '@dais/api/registry';
import { Link } from '@tanstack/react-router';
import type { ModelFile, SignatureField } from './model-file.ts';
import type { VersionFacts } from './use-version-facts.ts';
import { numberText } from './version-diff.ts';
import { RunLink } from './versions-tab.tsx';
import { loggedModelAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { MarkdownText } from '#ui/comments/markdown-text.tsx';
import '#ui/comments/comments.css';
import { CopyButton } from '#ui/copy-button.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Time } from '#ui/time.tsx';

export interface VersionPanelsProps {
  readonly project: string;
  readonly version: ModelVersion;
  readonly facts: VersionFacts;
}

/** Panels with the details of a version. */
export function VersionPanels({ project, version, facts }: VersionPanelsProps) {
  const { params, metrics, file, settled } = facts;
  return (
    <div className="grid-2">
      <div className="version-grid">
        <Values
          title="Metrics"
          none={settled ? 'No source run is known.' : 'Loading'}
          pairs={Object.entries(metrics).map(([key, value]) => ({
            key,
            value: typeof value === 'number' ? numberText(value) : value,
          }))}
        />
        <Values
          title="Parameters"
          none={settled ? 'No source run is known.' : 'Loading'}
          pairs={Object.entries(params).map(([key, value]) => ({ key, value }))}
        />
      </div>
      <div className="version-grid">
        <Panel title="Details">
          <KeyValue label="Details" pairs={aboutPairs(project, version, file)} />
        </Panel>
        <SignaturePanel file={file} settled={settled} />
        <Values
          title="Tags"
          none="No tags."
          pairs={Object.entries(version.tags).map(([key, value]) => ({ key, value }))}
        />
      </div>
    </div>
  );
}

function Values({ title, none, pairs }: { readonly title: string; readonly none: string; readonly pairs: Pair[] }) {
  return (
    <Panel title={title}>
      {pairs.length === 0 ? <p className="dim">{none}</p> : <KeyValue label={title} pairs={pairs} />}
    </Panel>
  );
}

function aboutPairs(project: string, version: ModelVersion, file: ModelFile | undefined): readonly Pair[] {
  const { createdAt, createdBy, description, source, artifactUri, runLink, stage, loggedModelId } = version;
  return [
    ...(description === ''
      ? []
      : [{ key: 'description', value: <MarkdownText text={description} mentions={[]} user={(one) => one} /> }]),
    {
      key: 'registered',
      value: (
        <>
          <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />
        </>
      ),
    },
    {
      key: 'run',
      value:
        runLink === undefined ? (
          <RunLink project={project} version={version} />
        ) : (
          // Clients write it, so it can lead anywhere: it is shown as text.
          <code>{runLink}</code>
        ),
    },
    ...(loggedModelId === undefined
      ? []
      : [
          {
            key: 'logged model',
            value: (
              <Link {...loggedModelAddress(project, loggedModelId)}>
                <code>{loggedModelId}</code>
              </Link>
            ),
          },
        ]),
    { key: 'stage', about: 'MLflow stage (legacy).', value: stage === 'None' ? 'none' : stage },
    { key: 'source', about: 'The place it was registered from.', value: <Copied text={source} /> },
    { key: 'files', about: 'The artifact location.', value: <Copied text={artifactUri} /> },
    ...(file === undefined || file.flavors.length === 0 ? [] : [{ key: 'flavors', value: file.flavors.join(', ') }]),
    ...(file?.python === undefined ? [] : [{ key: 'Python', value: file.python }]),
  ];
}

function Copied({ text }: { readonly text: string }) {
  return (
    <>
      <code>{text}</code> <CopyButton text={text} label="Copy URI" />
    </>
  );
}

function SignaturePanel({ file, settled }: { readonly file: ModelFile | undefined; readonly settled: boolean }) {
  const rows = [
    ...(file?.inputs ?? []).map((field) => ({ part: 'input', field })),
    ...(file?.outputs ?? []).map((field) => ({ part: 'output', field })),
    ...(file?.params ?? []).map((field) => ({ part: 'parameter', field })),
  ];
  return (
    <Panel title="Signature" flush={rows.length > 0}>
      {rows.length === 0 ? (
        <p className="dim">{settled ? 'No signature. Log the model with a signature to record one.' : 'Loading'}</p>
      ) : (
        <PlainTable
          label="Inputs and outputs"
          rows={rows}
          keyOf={({ part, field }) => `${part} ${field.name}`}
          columns={[
            { title: 'Direction', narrow: true, cell: ({ part }) => part },
            { title: 'Name', cell: ({ field }) => <code>{field.name}</code> },
            { title: 'Type', cell: ({ field }) => <FieldType field={field} /> },
          ]}
        />
      )}
    </Panel>
  );
}

function FieldType({ field: { type, optional } }: { readonly field: SignatureField }) {
  return (
    <>
      {type}
      {optional && <span className="dim"> optional</span>}
    </>
  );
}
