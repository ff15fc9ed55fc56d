import { datasetKind } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { bytesText, countText } from './data-words.ts';
import { readingRecipes } from './reading-recipes.ts';
import type { DatasetScope } from './use-data.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { useConsole } from '#server/console-context.ts';
import { useSession } from '#server/session.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

/** `dais data pull` handles more files than these. */
const MOST_FILES = 200;

/** The files of a version, and code that reads it. */
export function ReadItTab({ scope, version }: { readonly scope: DatasetScope; readonly version: DatasetVersion }) {
  const { project, name } = scope;
  const { basePath } = useConsole();
  const accounts = useSession()?.mode === 'accounts';
  const { number, files, fileCount, digest } = version;
  const path = `/p/${encodeURIComponent(project)}/api/v1/data/datasets/${encodeURIComponent(name)}/versions/${number}`;
  const recipes = readingRecipes({
    name,
    number,
    accounts,
    server: document.baseURI.replace(/\/$/, ''),
    path,
    pull: cliCommand(['data', 'pull', `${name}@${number}`], datasetKind, project),
    sql: cliCommand(['data', 'sql', `select * from "${name}@${number}" limit 10`], datasetKind, project),
  });
  const gone = version.state === 'deleted';
  return (
    <div className="resource-overview">
      <Panel title="Read this version">
        {gone ? (
          <p className="dim">The files were deleted.</p>
        ) : (
          <>
            <p>
              Download as{' '}
              <a href={`${basePath}${path}/export?format=parquet`} download={`${name}-${number}.parquet`}>
                Parquet
              </a>{' '}
              or{' '}
              <a href={`${basePath}${path}/export?format=csv`} download={`${name}-${number}.csv`}>
                CSV
              </a>
              , with the masks that apply to you.
            </p>
            <dl className="data-recipes">
              {recipes.map(({ title, text }) => (
                <div key={title}>
                  <dt>{title}</dt>
                  <dd>
                    <pre className="data-code" tabIndex={0}>
                      {text}
                    </pre>
                    <CopyButton text={text} label={`Copy for ${title}`} />
                  </dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Panel>
      <Panel
        title={`${countText(fileCount)} ${fileCount === 1 ? 'file' : 'files'}`}
        flush
        actions={
          <span className="dim">
            digest <code>{digest.slice(0, 12)}</code> <CopyButton text={digest} label="Copy digest" />
          </span>
        }
      >
        <PlainTable
          label="Files"
          rows={files.slice(0, MOST_FILES)}
          keyOf={(file) => file.name}
          columns={[
            { title: 'File', cell: (file) => <code>{file.uri ?? file.name}</code> },
            { title: 'Rows', narrow: true, cell: ({ rows }) => countText(rows) },
            { title: 'Size', narrow: true, cell: ({ bytes }) => bytesText(bytes) },
            {
              title: 'SHA-256',
              narrow: true,
              cell: (file) => (
                <>
                  <code>{file.digest.slice(0, 12)}</code>{' '}
                  <CopyButton text={file.digest} label={`Copy digest of ${file.name}`} />
                </>
              ),
            },
          ]}
        />
        {fileCount > MOST_FILES && (
          <p className="dim data-summary">
            The first {MOST_FILES} files are shown. The command above downloads all of them.
          </p>
        )}
      </Panel>
    </div>
  );
}
