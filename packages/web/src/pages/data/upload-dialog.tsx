import { datasetKind } from '@dais/api';
import { type Ingest } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { bytesText } from './data-words.ts';
import { canDigest, MOST_UPLOADED } from './file-digest.ts';
import { IngestProblems } from './ingest-problems.tsx';
import { useUpload } from './use-upload.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { Button, Checkbox, Modal, TextInput } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';
import './data.css';

export interface UploadDialogProps {
  readonly project: string;
  /** Files that were already dropped on the page. */
  readonly files: readonly File[];
  /** The target dataset, where it is fixed. */
  readonly name?: string;
  readonly close: () => void;
}

/** Uploads files of this machine as the next version of a dataset. */
export function UploadDialog({ project, files: dropped, name: settled, close }: UploadDialogProps) {
  const navigate = useNavigate();
  const id = useId();
  const [files, setFiles] = useState(dropped);
  const [name, setName] = useState(settled ?? nameFrom(dropped[0]));
  const [message, setMessage] = useState('');
  const [keepInvalidRows, setKeepInvalidRows] = useState(false);
  const { send, step } = useUpload(project);
  const choose = (next: readonly File[]) => {
    setFiles(next);
    send.reset();
    if (settled === undefined && name === '') setName(nameFrom(next[0]));
  };
  const fits = datasetKind.name.safeParse(name).success;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const command = daisCommand(['data', 'push', name === '' ? 'NAME' : name, 'FILE'], project);
  const start = () =>
    send.mutate(
      { name, files, message, keepInvalidRows },
      {
        onSuccess: (ingest) => {
          if (ingest.state !== 'succeeded' || ingest.version === undefined) return;
          const text = `Version ${ingest.version} of ${name}`;
          toast(
            ingest.unchanged
              ? { title: 'No new data: no version was created', text }
              : { title: 'The version is ready', text },
          );
          close();
          void navigate(datasetVersionAddress(project, name, ingest.version));
        },
      },
    );
  const why =
    files.length === 0
      ? 'Select files first.'
      : !fits
        ? 'A dataset needs a name: letters, digits and ._-'
        : bytes > MOST_UPLOADED
          ? `The browser can upload up to ${bytesText(MOST_UPLOADED)}. Run ${command} for larger uploads.`
          : canDigest()
            ? undefined
            : `Browser uploads need HTTPS. Run ${command} instead.`;
  return (
    <Modal
      opened
      onClose={close}
      stays={send.isPending}
      title={settled === undefined ? 'Create a dataset from files' : `Add a version to ${settled}`}
      size="lg"
    >
      <div className="confirm">
        <label
          className="data-drop"
          htmlFor={`${id}-files`}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            choose([...event.dataTransfer.files]);
          }}
        >
          <span>Drop files here or select them: CSV, JSON, NDJSON, Parquet or Arrow, optionally as .gz or .zst.</span>
          <input
            id={`${id}-files`}
            type="file"
            multiple
            disabled={send.isPending}
            onChange={(event) => choose([...(event.currentTarget.files ?? [])])}
          />
        </label>
        {files.length > 0 && (
          <ul className="data-files" aria-label="Selected files">
            {files.slice(0, 20).map((file) => (
              <li key={`${file.name} ${file.size}`}>
                {file.name} <span className="dim">{bytesText(file.size)}</span>
              </li>
            ))}
            {files.length > 20 && <li className="dim">and {files.length - 20} more</li>}
          </ul>
        )}
        {settled === undefined && (
          <TextInput
            label="Dataset name"
            value={name}
            description="An existing dataset gets a new version. Otherwise the dataset is created."
            onChange={(event) => setName(event.currentTarget.value.trim())}
          />
        )}
        <TextInput
          label="Description of the change"
          value={message}
          maxLength={2000}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        <Checkbox
          label="Reject unreadable rows and keep them for download"
          checked={keepInvalidRows}
          onChange={(event) => setKeepInvalidRows(event.currentTarget.checked)}
        />
        {step !== undefined && (
          <div role="status">
            <progress aria-label={step.word} max={1} value={step.done} className="data-progress" />
            <span className="dim">{step.word}</span>
          </div>
        )}
        {send.error !== null && <ErrorNote error={send.error} />}
        {send.data !== undefined && send.data.state !== 'succeeded' && (
          <Failed project={project} name={name} ingest={send.data} />
        )}
        <p className="dim">
          In a terminal: <code>{command}</code> <CopyButton text={command} label="Copy command" />
        </p>
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            {send.isPending ? 'Cancel upload' : 'Cancel'}
          </Button>
          <GuardedButton why={why} loading={send.isPending} onClick={start}>
            Create version
          </GuardedButton>
        </div>
      </div>
    </Modal>
  );
}

function Failed(props: { readonly project: string; readonly name: string; readonly ingest: Ingest }) {
  const { project, name, ingest } = props;
  return (
    <div className="note note-failed" role="alert">
      <p>
        No version was created. The errors are listed below and on the{' '}
        <Link to="/projects/$project/datasets/$name" params={{ project, name }} search={{ tab: 'made' }}>
          ingestions of the dataset
        </Link>
        .
      </p>
      <IngestProblems problems={ingest.problems} />
    </div>
  );
}

/** `flights-2026.csv.gz` becomes `flights-2026`. */
function nameFrom(file: File | undefined): string {
  const name = file?.name.replace(/(\.(csv|tsv|json|ndjson|jsonl|parquet|arrow|gz|zst))+$/i, '') ?? '';
  return name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|[._-]+$/g, '')
    .slice(0, 128);
}
