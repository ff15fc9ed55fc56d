import type { LineageGraph } from '@dais/api/lineage';
import { endpointKind, type Prediction } from '@dais/api/serving';
import { Link, useNavigate } from '@tanstack/react-router';
import { AnswerPanel } from './answer-panel.tsx';
import { ExplainPanel } from './explain-panel.tsx';
import { readRows, valueColumns, type PredictionRow } from './prediction-rows.ts';
import { TruthPanel } from './truth-panel.tsx';
import { usePrediction } from './use-predictions.ts';
import { ValuesPanel } from './values-panel.tsx';
import { listAddress, predictionsAddress, resourceAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { LineageStrip } from '#pages/lineage/lineage-strip.tsx';
import { useLineage } from '#pages/lineage/use-lineage.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './predictions.css';

/** One prediction: inputs, outputs, ground truth, explanation and lineage of the model. */
export function PredictionPage() {
  const project = useCurrentProject();
  const { endpoint = '', prediction = '' } = useAddressFields();
  const { data, error, refetch } = usePrediction(project, endpoint, prediction);
  const node = data?.lineage.find((one) => one.startsWith('model-version:'));
  const graph = useLineage(project, node);
  const forms = useCopyForms({
    command: daisCommand(['predictions', 'get', endpoint, prediction], project),
    call: {
      project,
      path: `/api/v1/predictions/endpoints/${encodeURIComponent(endpoint)}/one/${encodeURIComponent(prediction)}`,
    },
  });
  return (
    <div className="page">
      <PageHead
        title={`Prediction of ${endpoint}`}
        under={
          <>
            <Link {...listAddress(endpointKind, project)}>Endpoints</Link>
            <Link {...resourceAddress(endpointKind, project, endpoint)}>{endpoint}</Link>
            <Link {...predictionsAddress(project, { endpoint })}>Predictions</Link>
            {graph !== undefined && (
              <LineageStrip project={project} graph={extended(graph)} self="current prediction" />
            )}
          </>
        }
        actions={<CopyAs forms={forms} />}
      />
      {data !== undefined ? (
        <OnePrediction project={project} prediction={data} again={() => void refetch()} />
      ) : error === null ? (
        <Skeleton rows={8} />
      ) : (
        <ErrorNote error={error} retry={() => void refetch()}>
          <p>
            Only predictions that <code>spec.capture</code> of the endpoint captures are stored, for the number of days
            in <code>retention.predictionDays</code>.
          </p>
        </ErrorNote>
      )}
    </div>
  );
}

/** The lineage of the serving version, with the prediction at its end. */
function extended(graph: LineageGraph): LineageGraph {
  const root = 'predictions:this';
  return {
    ...graph,
    root,
    nodes: graph.nodes,
    edges: [
      ...graph.edges.filter(({ from }) => from !== graph.root),
      { from: graph.root, to: root, relation: 'made', at: 0 },
    ],
  };
}

interface OnePredictionProps {
  readonly project: string;
  readonly prediction: Prediction;
  readonly again: () => void;
}

function OnePrediction({ project, prediction, again }: OnePredictionProps) {
  const navigate = useNavigate();
  const { row: chosen = '0' } = useAddressQuery();
  const rows = readRows(prediction);
  const row: PredictionRow | undefined = rows.find((one) => String(one.row) === chosen) ?? rows[0];
  if (row === undefined) return null;
  const columns = valueColumns(prediction.columns);
  const inputs = Object.fromEntries(
    columns.filter(({ side }) => side === 'input').map(({ name, column }) => [name, row.cells[column]]),
  );
  const failed = Number(row.cells['status']) >= 400;
  return (
    <>
      {rows.length > 1 && (
        <div className="predictions-bar">
          <Select
            aria-label="Row"
            value={String(row.row)}
            data={rows.map((one) => ({ value: String(one.row), label: `row ${one.row + 1} of ${rows.length}` }))}
            allowDeselect={false}
            onChange={(next) =>
              void navigate({ to: '.', search: { row: next === '0' ? undefined : (next ?? undefined) }, replace: true })
            }
            comboboxProps={{ withinPortal: false }}
          />
        </div>
      )}
      <div className="grid-2">
        <ValuesPanel title="Inputs" side="input" columns={columns} row={row} masked={prediction.masked} />
        <ValuesPanel title="Outputs" side="output" columns={columns} row={row} masked={prediction.masked} />
      </div>
      <div className="grid-2">
        <AnswerPanel project={project} prediction={prediction} row={row} />
        <TruthPanel key={row.row} project={project} prediction={prediction} row={row} again={again} />
      </div>
      {!failed && (
        <ExplainPanel
          key={`${prediction.id} ${row.row}`}
          project={project}
          endpoint={prediction.endpoint}
          version={prediction.version ?? ''}
          values={inputs}
        />
      )}
    </>
  );
}
