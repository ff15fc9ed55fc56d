import { type DaisError } from '@dais/api';
import { suggestExpectationsOperation, type DatasetVersion } from '@dais/api/data';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { DatasetScope } from './use-data.ts';
import { datasetKind } from '@dais/api';
import { changeAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';

/** Suggests expectations for further versions, based on this one. Loaded on request. */
export function Suggestions({ scope, version }: { readonly scope: DatasetScope; readonly version: DatasetVersion }) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const [isRequested, setIsRequested] = useState(false);
  const { data, error, isFetching } = useQuery<
    { readonly items: readonly unknown[]; readonly manifest: string },
    DaisError
  >({
    queryKey: [...key, 'suggestions', version.number],
    queryFn: async ({ signal }) =>
      await client.perform(suggestExpectationsOperation, { name, version: String(version.number) }, { signal }),
    enabled: isRequested,
    staleTime: Infinity,
  });
  return (
    <Panel
      title="Suggested expectations"
      actions={
        data === undefined ? (
          <Button size="compact-xs" variant="default" loading={isFetching} onClick={() => setIsRequested(true)}>
            Suggest expectations
          </Button>
        ) : (
          <CopyButton text={data.manifest} label="Copy expectations" />
        )
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {data === undefined ? (
        <p className="dim">Suggestions are derived from the profile of this version, each with its reason.</p>
      ) : data.items.length === 0 ? (
        <p className="dim">The profile suggests no expectations.</p>
      ) : (
        <>
          <p>
            Copy the expectations that fit into <code>spec.expectations</code> of{' '}
            <Link {...changeAddress(datasetKind, project, name)}>the manifest</Link>.
          </p>
          <pre className="data-code" tabIndex={0}>
            {data.manifest}
          </pre>
        </>
      )}
    </Panel>
  );
}
