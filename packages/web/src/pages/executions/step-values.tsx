import type { ExecutionValue } from '@dais/api/executions';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { bytesText } from './execution-words.ts';
import { useRunFiles, useRunFileUrl } from './use-step.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { FilePreview } from '#pages/runs/artifacts/artifact-preview.tsx';
import { endingOf } from '#pages/runs/artifacts/preview-kind.ts';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import '#pages/runs/artifacts/artifacts.css';

type Files = Extract<ExecutionValue, { files: unknown }>['files'];

export interface StepValuesProps {
  readonly project: string;
  readonly title: string;
  readonly nothing: string;
  readonly values: Readonly<Record<string, ExecutionValue>>;
  /** Original file names, by the name of the value. */
  readonly paths?: Readonly<Record<string, string>> | undefined;
}

/** The inputs or outputs of a step: parameters as values, artifacts as files. */
export function StepValues({ project, title, nothing, values, paths = {} }: StepValuesProps) {
  const entries = Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <Panel title={title}>
      {entries.length === 0 ? (
        <p className="dim">{nothing}</p>
      ) : (
        <dl className="step-values" aria-label={title}>
          {entries.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {'parameter' in value ? (
                  <ParameterText value={value.parameter} />
                ) : 'dataset' in value ? (
                  <DatasetVersion project={project} name={value.dataset} version={value.version} />
                ) : (
                  <ArtifactFiles project={project} artifacts={value.files} called={paths[name]} />
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  );
}

function DatasetVersion({ project, name, version }: { project: string; name: string; version: number }) {
  return (
    <Link {...datasetVersionAddress(project, name, String(version))}>
      {name}@{version}
    </Link>
  );
}

/** Longer values belong in files. */
const MOST_TEXT = 20_000;

function ParameterText({ value }: { readonly value: unknown }) {
  const text = parameterText(value);
  return (
    <span className="step-parameter">
      <code>{text.slice(0, MOST_TEXT)}</code> <CopyButton text={text} label="Copy value" />
    </span>
  );
}

function parameterText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface Called {
  readonly project: string;
  /** A single file is stored by the name of its value, without an extension: the original name shows the file type. */
  readonly called: string | undefined;
}

function ArtifactFiles({ project, artifacts, called }: Called & { readonly artifacts: Files }) {
  return (
    <>
      {artifacts.map((artifact) => (
        <OneArtifact key={`${artifact.run} ${artifact.prefix}`} project={project} artifact={artifact} called={called} />
      ))}
    </>
  );
}

function OneArtifact({ project, artifact, called }: Called & { readonly artifact: Files[number] }) {
  const { files, bytes, digest } = artifact;
  const [open, setOpen] = useState(false);
  return (
    <div>
      <Button
        variant="default"
        size="compact-xs"
        aria-expanded={open}
        rightSection={<Icon name={open ? 'up' : 'down'} />}
        onClick={() => setOpen(!open)}
      >
        {files === 1 ? '1 file' : `${files.toLocaleString('en')} files`}, {bytesText(bytes)}
      </Button>{' '}
      <code className="dim" title={digest}>
        {digest.slice(0, 8)}
      </code>
      {open && <FileList project={project} artifact={artifact} called={called} />}
    </div>
  );
}

function FileList({ project, artifact: { run, prefix }, called }: Called & { readonly artifact: Files[number] }) {
  const { data, error } = useRunFiles(project, run, prefix);
  const urlOf = useRunFileUrl(project);
  // Another output can have a name that starts with this one.
  const files = data?.files.filter(({ name }) => name === prefix || name.startsWith(`${prefix}/`));
  const [selected, setSelected] = useState<string>();
  const shown = selected ?? (files?.length === 1 ? files[0]?.name : undefined);
  if (error !== null) return <ErrorNote error={error} />;
  if (files === undefined) return <Skeleton rows={2} />;
  return (
    <>
      <ul className="artifact-tree">
        {files.map(({ name, size }) => (
          <li key={name}>
            <button type="button" aria-current={name === shown ? 'true' : undefined} onClick={() => setSelected(name)}>
              <span>{fileName(name, prefix)}</span>
              <span className="dim">{bytesText(size)}</span>
            </button>
          </li>
        ))}
        {data?.more === true && <li className="dim">More files are not listed.</li>}
      </ul>
      {shown !== undefined && (
        <div className="step-file">
          <div className="step-file-head">
            <code>{fileName(shown, prefix)}</code>
            <Button
              variant="default"
              size="compact-xs"
              component="a"
              href={urlOf(run, shown)}
              download={shown.slice(shown.lastIndexOf('/') + 1)}
            >
              Download
            </Button>
          </div>
          <FilePreview key={shown} path={previewName(shown, prefix, called)} url={urlOf(run, shown)} />
        </div>
      )}
    </>
  );
}

function fileName(name: string, prefix: string): string {
  return name === prefix ? name.slice(name.lastIndexOf('/') + 1) : name.slice(prefix.length + 1);
}

/** A file without an extension is shown as text. */
function previewName(name: string, prefix: string, called: string | undefined): string {
  if (name !== prefix || endingOf(name) !== '') return name;
  return called !== undefined && endingOf(called) !== '' ? called : `${name}.txt`;
}
