import type { LatestMetric, Run } from '@dais/api/tracking';
import { Link } from '@tanstack/react-router';
import { datasetInputAddress, type RunDataset } from './dataset-input.ts';
import { artifactRoot } from './artifacts/preview-kind.ts';
import { isClientTag, metricText } from './run-words.ts';
import { useLoggedModels } from './use-run.ts';
import { loggedModelAddress } from '#addresses.ts';
import { MODEL_STATES } from '#pages/logged-models/model-states.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

/** Everything that a run logged, unchanged. */
export function RunAbout({ project, run }: { readonly project: string; readonly run: Run }) {
  const models = useLoggedModels(project, run);
  const tags = Object.entries(run.tags).toSorted(
    ([a], [b]) => Number(isClientTag(a)) - Number(isClientTag(b)) || (a < b ? -1 : 1),
  );
  const note = run.tags['mlflow.note.content'];
  return (
    <div className="run-about">
      {note !== undefined && (
        <Panel title="Note">
          <p className="run-value">{note}</p>
        </Panel>
      )}
      <Panel title="Latest metric values" flush>
        {run.metrics.length === 0 ? (
          <EmptyState sentence="No metrics logged yet." />
        ) : (
          <PlainTable
            label="Metrics"
            rows={run.metrics.toSorted((a, b) => (a.key < b.key ? -1 : 1))}
            keyOf={keyOfMetric}
            columns={[
              { title: 'Metric', cell: ({ key }) => key },
              { title: 'Value', cell: ({ value }) => <span title={String(value)}>{metricText(value)}</span> },
              { title: 'Step', narrow: true, cell: ({ step }) => step.toLocaleString('en') },
              {
                title: 'Logged',
                narrow: true,
                cell: ({ timestamp }) => <Time at={new Date(timestamp).toISOString()} />,
              },
              {
                title: 'Dataset',
                cell: ({ datasetName, datasetDigest }) =>
                  datasetName === undefined
                    ? ''
                    : `${datasetName}${datasetDigest === undefined ? '' : `@${datasetDigest}`}`,
              },
            ]}
          />
        )}
      </Panel>
      <div className="grid-2">
        <Panel title="Datasets" flush>
          {run.datasets.length === 0 ? (
            <EmptyState sentence="No datasets logged." command="mlflow.log_input(dataset)" />
          ) : (
            <PlainTable
              label="Dataset inputs"
              rows={run.datasets}
              keyOf={({ dataset }) => `${dataset.name}@${dataset.digest}`}
              columns={[
                {
                  title: 'Dataset',
                  cell: ({ dataset }) => <DatasetName project={project} dataset={dataset} />,
                },
                { title: 'Digest', narrow: true, cell: ({ dataset }) => <code>{dataset.digest}</code> },
                {
                  title: 'Context',
                  narrow: true,
                  cell: ({ tags: { 'mlflow.data.context': context } }) => context ?? '',
                },
                {
                  title: 'Source',
                  cell: ({ dataset }) => (
                    <span className="run-value">
                      {dataset.sourceType} <code>{dataset.source.slice(0, 300)}</code>
                    </span>
                  ),
                },
              ]}
            />
          )}
        </Panel>
        <Panel title="Logged models" flush>
          {models.length === 0 ? (
            <EmptyState sentence="No models logged." />
          ) : (
            <PlainTable
              label="Models"
              rows={models}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: 'Model',
                  cell: ({ name, id }) => (
                    <Link {...loggedModelAddress(project, id)} title={id}>
                      {name}
                    </Link>
                  ),
                },
                { title: 'Type', narrow: true, cell: ({ type }) => type ?? '' },
                { title: 'State', narrow: true, cell: ({ status }) => <StateBadge {...MODEL_STATES[status]} /> },
                {
                  title: 'Created',
                  narrow: true,
                  cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} />,
                },
              ]}
            />
          )}
        </Panel>
        <Panel title="Tags">
          <KeyValue
            label="Tags"
            pairs={tags.map(([key, value]) => ({ key, about: key, value: <code className="run-value">{value}</code> }))}
          />
        </Panel>
        <Panel title="Artifact location">
          <p className="run-value">
            <code>{run.artifactUri}</code>
          </p>
          {artifactRoot(run.artifactUri) !== undefined && (
            <p>
              <Link to="." search={{ tab: 'artifacts' }}>
                Browse artifacts
              </Link>
            </p>
          )}
        </Panel>
      </div>
    </div>
  );
}

/** A version that is stored in Dais has a page. */
function DatasetName({ project, dataset }: { readonly project: string; readonly dataset: RunDataset }) {
  const address = datasetInputAddress(project, dataset);
  return address === undefined ? dataset.name : <Link {...address}>{dataset.name}</Link>;
}

const keyOfMetric = ({ key, datasetName, datasetDigest, modelId }: LatestMetric) =>
  [key, datasetName, datasetDigest, modelId].join(' ');
