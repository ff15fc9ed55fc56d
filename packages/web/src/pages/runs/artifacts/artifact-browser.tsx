import { useState } from 'react';
import { ArtifactPreview } from './artifact-preview.tsx';
import { useArtifactUrl, useFolder, type ArtifactEntry } from './use-artifacts.ts';
import { Button } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './artifacts.css';

export interface ArtifactBrowserProps {
  readonly project: string;
  /** The root folder of the tree. */
  readonly root: string;
  /** Path of the open file, relative to the root; undefined: none. */
  readonly file: string | undefined;
  readonly open: (file: string) => void;
  /** More files can appear. */
  readonly live: boolean;
  /** Text without files; default: that of a run. */
  readonly nothing?: { readonly sentence: string; readonly command?: string };
}

const OF_A_RUN = {
  sentence: 'No artifacts yet. Log files with MLflow.',
  command: 'mlflow.log_artifact("model.bin")',
};

/** A tree of files, with a preview of the open one. */
export function ArtifactBrowser({ project, root, file, open, live, nothing = OF_A_RUN }: ArtifactBrowserProps) {
  const urlOf = useArtifactUrl(project);
  const { data } = useFolder(project, root, live);
  if (data?.entries.length === 0) {
    return <EmptyState {...nothing} />;
  }
  return (
    <div className="artifacts">
      <Panel title="Files">
        <FolderTree project={project} root={root} path="" file={file} open={open} live={live} />
      </Panel>
      {file === undefined ? (
        <p className="dim">Select a file to preview it.</p>
      ) : (
        <Panel
          title={file}
          flush
          actions={
            <Button variant="default" component="a" href={urlOf(`${root}/${file}`, 'content')} download={lastOf(file)}>
              Download
            </Button>
          }
        >
          <ArtifactPreview key={file} project={project} path={`${root}/${file}`} />
        </Panel>
      )}
    </div>
  );
}

const lastOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

interface FolderTreeProps extends ArtifactBrowserProps {
  /** Relative to the root; empty: the root itself. */
  readonly path: string;
}

function FolderTree(props: FolderTreeProps) {
  const { project, root, path, live } = props;
  const { data, error } = useFolder(project, path === '' ? root : `${root}/${path}`, live);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Skeleton rows={3} />;
  return (
    <ul className="artifact-tree">
      {data.entries.map((entry) => (
        <li key={entry.name}>
          <TreeEntry {...props} entry={entry} at={path === '' ? entry.name : `${path}/${entry.name}`} />
        </li>
      ))}
      {data.more && <li className="dim">More files are not listed.</li>}
    </ul>
  );
}

function TreeEntry({ entry, at, ...tree }: FolderTreeProps & { readonly entry: ArtifactEntry; readonly at: string }) {
  const { file, open } = tree;
  const [unfolded, setUnfolded] = useState(file?.startsWith(`${at}/`) === true);
  if (!entry.directory) {
    return (
      <button type="button" aria-current={file === at ? 'true' : undefined} onClick={() => open(at)}>
        <span>{entry.name}</span>
        <span className="dim">{sizeText(entry.size)}</span>
      </button>
    );
  }
  return (
    <>
      <button type="button" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
        <span>
          <Icon name={unfolded ? 'down' : 'right'} /> {entry.name}
        </span>
      </button>
      {unfolded && <FolderTree {...tree} path={at} />}
    </>
  );
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  const at = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** at).toPrecision(3))} ${UNITS[at] ?? ''}`;
}
