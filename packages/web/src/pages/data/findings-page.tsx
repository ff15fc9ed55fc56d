import { datasetKind, type DaisError } from '@dais/api';
import { listAllFindingsOperation, type DataFinding, type FindingState } from '@dais/api/data';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { FindingsPanel } from './findings-panel.tsx';
import { useDataScope } from './use-data.ts';
import { listAddress } from '#addresses.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button, Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';

const PAGE = 200;

const CHOICES = [
  { value: 'open', label: 'Open' },
  { value: 'resolved', label: 'Masked' },
  { value: 'waived', label: 'Waived' },
  { value: 'gone', label: 'No longer found' },
  { value: 'all', label: 'All' },
];

/** Findings of personal data in all datasets of a project; pending ones first. */
export function FindingsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const client = useClient(project);
  const { state = 'open' } = useAddressQuery();
  const { key, ready } = useDataScope(project);
  const found = useInfiniteQuery({
    queryKey: [...key, 'all findings', state],
    queryFn: async ({ pageParam, signal }) =>
      await client.perform(
        listAllFindingsOperation,
        {
          limit: PAGE,
          ...(state !== 'all' && { state: state as FindingState }),
          ...(pageParam !== undefined && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: ready,
  });
  const findings: readonly DataFinding[] | undefined = found.data?.pages.flatMap(({ items }) => items);
  const error = found.error as DaisError | null;
  const forms = useCopyForms({
    command: daisCommand(['data', 'findings'], project),
    call: { project, path: '/api/v1/data/findings', query: state === 'all' ? {} : { state } },
  });
  return (
    <div className="page">
      <PageHead
        title="Personal data findings"
        under={<Link {...listAddress(datasetKind, project)}>Datasets</Link>}
        actions={<CopyAs forms={forms} />}
      />
      <div className="data-bar">
        <Select
          aria-label="State of findings"
          value={state}
          data={CHOICES}
          allowDeselect={false}
          onChange={(value) =>
            void navigate({
              to: '.',
              search: { state: value === 'open' ? undefined : (value ?? undefined) },
              replace: true,
            })
          }
        />
      </div>
      {error !== null && <ErrorNote error={error} retry={() => void found.refetch()} />}
      {error === null && <FindingsPanel project={project} findings={findings} named />}
      {found.hasNextPage && (
        <p>
          <Button variant="default" loading={found.isFetching} onClick={() => void found.fetchNextPage()}>
            Show older findings
          </Button>
        </p>
      )}
    </div>
  );
}
