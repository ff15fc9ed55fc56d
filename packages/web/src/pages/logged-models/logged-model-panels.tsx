import type { LineageGraph } from '@dais/api/lineage';
import type { LoggedModel } from '@dais/api/tracking';
import { Link } from '@tanstack/react-router';
import { runAddress, versionAddress } from '#addresses.ts';
import { isClientTag, metricText } from '#pages/runs/run-words.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

export interface LoggedModelPanelsProps {
  readonly project: string;
  readonly model: LoggedModel;
  readonly graph: LineageGraph | undefined;
}

/** Panels with the details of a logged model. */
export function LoggedModelPanels({ project, model, graph }: LoggedModelPanelsProps) {
  return (
    <>
      <div className="grid-2">
        <Measured project={project} model={model} />
        <Registered project={project} model={model} graph={graph} />
      </div>
      <div className="grid-2">
        <Values title="Parameters" none="No parameters logged." values={model.params} />
        <Values title="Tags" none="No tags." values={model.tags} />
      </div>
    </>
  );
}

type Metric = LoggedModel['metrics'][number];

const keyOf = ({ key, runId, datasetName, datasetDigest }: Metric) =>
  [key, runId, datasetName, datasetDigest].join(' ');

function Measured({ project, model }: Omit<LoggedModelPanelsProps, 'graph'>) {
  const metrics = model.metrics.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return (
    <Panel title="Metrics" flush>
      {metrics.length === 0 ? (
        <EmptyState sentence="No metrics logged." command={`mlflow.log_metric(…, model_id="${model.id}")`} />
      ) : (
        <PlainTable
          label="Metric values"
          rows={metrics}
          keyOf={keyOf}
          columns={[
            { title: 'Metric', cell: ({ key }) => key },
            { title: 'Value', cell: ({ value }) => <span title={String(value)}>{metricText(value)}</span> },
            {
              title: 'Dataset',
              cell: ({ datasetName, datasetDigest }) =>
                datasetName === undefined
                  ? ''
                  : `${datasetName}${datasetDigest === undefined ? '' : `@${datasetDigest.slice(0, 8)}`}`,
            },
            {
              title: 'By run',
              narrow: true,
              cell: ({ runId }) => (
                <Link {...runAddress(project, runId)} title={runId}>
                  <code>{runId.slice(0, 8)}</code>
                </Link>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Registered({ project, model, graph }: LoggedModelPanelsProps) {
  const own = `logged-model:${model.id}`;
  const made = new Set(
    (graph?.edges ?? []).filter(({ from, relation }) => from === own && relation === 'registered').map(({ to }) => to),
  );
  const versions = (graph?.nodes ?? []).filter(({ node, hidden }) => made.has(node) && hidden !== true);
  return (
    <Panel title="Registered versions" flush>
      {versions.length === 0 ? (
        <EmptyState
          sentence={graph === undefined ? 'Registered versions are not known yet.' : 'Not registered yet.'}
          command={`mlflow.register_model("models:/${model.id}", "NAME")`}
        />
      ) : (
        <PlainTable
          label="Versions"
          rows={versions}
          keyOf={({ node }) => node}
          columns={[
            {
              title: 'Version',
              cell: ({ name, gone, data = {} }) =>
                gone === true ? (
                  <span className="dim">{name} (deleted)</span>
                ) : (
                  <Link {...versionAddress(project, data['model'] ?? '', data['version'] ?? '')}>{name}</Link>
                ),
            },
            {
              title: 'Stage',
              narrow: true,
              cell: ({ data = {} }) => (data['stage'] === 'None' ? '' : (data['stage'] ?? '')),
            },
          ]}
        />
      )}
    </Panel>
  );
}

interface ValuesProps {
  readonly title: string;
  readonly none: string;
  readonly values: Readonly<Record<string, string>>;
}

function Values({ title, none, values }: ValuesProps) {
  const pairs = Object.entries(values)
    .toSorted(([a], [b]) => Number(isClientTag(a)) - Number(isClientTag(b)) || (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, about: key, value: <code className="run-value">{value}</code> }));
  return (
    <Panel title={title}>
      {pairs.length === 0 ? <p className="dim">{none}</p> : <KeyValue label={title} pairs={pairs} />}
    </Panel>
  );
}
