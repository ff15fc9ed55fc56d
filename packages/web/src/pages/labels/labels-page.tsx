import { datasetKind } from '@dais/api';
import { Link } from '@tanstack/react-router';
import { useLabelSets } from './use-labels.ts';
import { labelSetAddress, resourceAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { countText, shareText } from '#pages/data/data-words.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import './labels.css';

/** All label sets with their progress and pending decisions. */
export function LabelsPage() {
  const project = useCurrentProject();
  const { data, error, refetch } = useLabelSets(project);
  const forms = useCopyForms({
    command: daisCommand(['labels', 'list'], project),
    call: { project, path: '/api/v1/labels/sets' },
  });
  return (
    <div className="page">
      <PageHead
        title="Label sets"
        under={<span className="page-head-brief">Annotations of datasets, annotator agreement and review state.</span>}
        actions={<CopyAs forms={forms} />}
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined ? (
        error === null && <Skeleton rows={6} />
      ) : data.length === 0 ? (
        <EmptyState
          sentence={`No label sets in ${project} yet. Import the export of a labeling tool to create one.`}
          command={daisCommand(['labels', 'import', 'SET', 'export.json'], project)}
        >
          <a href="docs/guide/labeling" target="_blank" rel="noreferrer">
            Guide: import, review and publish labels
          </a>
        </EmptyState>
      ) : (
        <Panel title={`${countText(data.length)} sets`} flush>
          <PlainTable
            label="Label sets"
            rows={data}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Label set', cell: ({ name }) => <Link {...labelSetAddress(project, name)}>{name}</Link> },
              {
                title: 'Dataset',
                cell: ({ dataset, version }) => (
                  <Link {...resourceAddress(datasetKind, project, dataset)}>{version ?? dataset}</Link>
                ),
              },
              {
                title: 'Accepted',
                cell: ({ accepted, tasks }) => <Accepted accepted={accepted} tasks={tasks} />,
              },
              { title: 'Annotations', narrow: true, cell: ({ annotations }) => countText(annotations) },
              {
                title: 'Guideline',
                narrow: true,
                cell: ({ guideline }) => (guideline === 0 ? <span className="dim">none</span> : `version ${guideline}`),
              },
              {
                title: 'Created',
                narrow: true,
                cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} />,
              },
            ]}
          />
        </Panel>
      )}
    </div>
  );
}

export function Accepted({ accepted, tasks }: { readonly accepted: number; readonly tasks: number }) {
  const share = tasks === 0 ? 0 : accepted / tasks;
  return (
    <span className="labels-share">
      <progress aria-label="Accepted" max={1} value={share} />
      {countText(accepted)} of {countText(tasks)} <span className="dim">{shareText(share)}</span>
    </span>
  );
}
