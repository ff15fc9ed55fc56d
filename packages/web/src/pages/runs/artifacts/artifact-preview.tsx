import { toBase64 } from '@dais/api/tlog';
import { useMemo, type ReactNode } from 'react';
import { readDelimited, tableOfJson } from './delimited.ts';
import { endingOf, IMAGE_TYPES, previewKind } from './preview-kind.ts';
import { useArtifactUrl, useFileBytes } from './use-artifacts.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './artifacts.css';

const IMAGE_BYTES = 16 * 1024 * 1024;
const TEXT_BYTES = 512 * 1024;
/** Maximum number of shown rows and columns of a table. */
const ROWS = 500;
const COLUMNS = 60;

export interface ArtifactPreviewProps {
  readonly project: string;
  /** Path from the root of all artifacts. */
  readonly path: string;
}

/** Previews an artifact, where a browser can show it. */
export function ArtifactPreview({ project, path }: ArtifactPreviewProps) {
  const urlOf = useArtifactUrl(project);
  return <FilePreview path={path} url={urlOf(path, 'content')} page={urlOf(path, 'page')} />;
}

export interface FilePreviewProps {
  /** The file name, which determines the preview. */
  readonly path: string;
  readonly url: string;
  /** URL of the rendered page; without it, HTML is shown as text. */
  readonly page?: string;
}

export function FilePreview({ path, url, page }: FilePreviewProps) {
  const kind = previewKind(path);
  if (kind === 'none')
    return <p className="artifact-note">No preview for this file type. Download the file to view it.</p>;
  if (kind === 'page' && page !== undefined) {
    return (
      <>
        <p className="artifact-note dim">
          Rendered in a sandbox without network access. External resources are not loaded.
        </p>
        {/* The response also has a sandbox policy, wherever it is opened. */}
        <iframe className="artifact-page" title={path} sandbox="allow-scripts" src={page} />
      </>
    );
  }
  return <BytesPreview path={path} url={url} kind={kind === 'page' ? 'text' : kind} />;
}

function BytesPreview({
  path,
  url,
  kind,
}: Pick<FilePreviewProps, 'path' | 'url'> & { readonly kind: 'image' | 'table' | 'json' | 'text' }) {
  const { data, error } = useFileBytes(url, kind === 'image' ? IMAGE_BYTES : TEXT_BYTES);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Skeleton rows={8} />;
  if (data.bytes.length === 0) return <p className="artifact-note">The file is empty.</p>;
  if (kind === 'image') {
    return data.whole ? (
      <ImagePreview bytes={data.bytes} path={path} />
    ) : (
      <p className="artifact-note">The file is larger than 16 MB. Download it to view it.</p>
    );
  }
  return (
    <>
      {!data.whole && <p className="artifact-note dim">Only the first 512 kB are shown.</p>}
      <TextPreview bytes={data.bytes} whole={data.whole} path={path} kind={kind} />
    </>
  );
}

/** As a data URL: the content policy of the page allows no image of another origin, nor one without a type. */
function ImagePreview({ bytes, path }: { readonly bytes: Uint8Array<ArrayBuffer>; readonly path: string }) {
  const source = useMemo(
    () => `data:${IMAGE_TYPES[endingOf(path)] ?? 'image/png'};base64,${toBase64(bytes)}`,
    [bytes, path],
  );
  return <img className="artifact-image" src={source} alt={path.slice(path.lastIndexOf('/') + 1)} />;
}

interface TextPreviewProps {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly whole: boolean;
  readonly path: string;
  readonly kind: 'table' | 'json' | 'text';
}

function TextPreview({ bytes, whole, path, kind }: TextPreviewProps): ReactNode {
  const text = useMemo(() => new TextDecoder().decode(bytes), [bytes]);
  if (text.includes('\0'))
    return <p className="artifact-note">No preview for this file type. Download the file to view it.</p>;
  if (kind === 'table') {
    return <Rows rows={readDelimited(text, endingOf(path) === 'tsv' ? '\t' : ',', ROWS + 1, whole)} />;
  }
  const json = kind === 'json' && whole ? parsed(text) : undefined;
  const table = tableOfJson(json);
  if (table !== undefined) return <Rows rows={table.slice(0, ROWS + 1)} />;
  return (
    <pre className="artifact-text" tabIndex={0}>
      {json === undefined ? text : JSON.stringify(json, null, 2)}
    </pre>
  );
}

/** Undefined for invalid JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function Rows({ rows }: { readonly rows: readonly (readonly string[])[] }) {
  const [head = [], ...body] = rows;
  return (
    <>
      <PlainTable
        label="Rows"
        rows={body.map((cells, at) => ({ at, cells }))}
        keyOf={({ at }) => at}
        columns={[
          { title: '#', narrow: true, cell: ({ at }) => <span className="dim">{at + 1}</span> },
          ...head.slice(0, COLUMNS).map((title, column) => ({
            // Columns of equal names would be merged.
            title: head.indexOf(title) === column && title !== '' ? title : `${title} (${column + 1})`,
            cell: ({ cells }: { readonly cells: readonly string[] }) => cells[column] ?? '',
          })),
        ]}
      />
      {(body.length >= ROWS || head.length > COLUMNS) && (
        <p className="artifact-note dim">
          At most {ROWS} rows and {COLUMNS} columns are shown.
        </p>
      )}
    </>
  );
}
