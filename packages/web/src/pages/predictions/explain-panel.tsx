import type { DaisError } from '@dais/api';
import { useMutation } from '@tanstack/react-query';
import { explainRow, type Explained, type ExplainDependencies } from './explain.ts';
import { shortText } from './prediction-rows.ts';
import { useClient } from '#server/console-context.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import '#ui/plot/series-style.css';

const METHODS: Readonly<Record<string, string>> = {
  tree_shap: 'interventional TreeSHAP, exact',
  exact: 'Shapley values over all coalitions, exact',
  sampled_shapley: 'Shapley values of sampled permutations, approximate',
};
/** Further contributions are summed up as one. */
const SHOWN = 20;

export interface ExplainPanelProps extends ExplainDependencies {
  readonly project: string;
}

/** Explains a prediction. Requested explicitly, because it runs the model hundreds of times. */
export function ExplainPanel({ project, endpoint, version, values }: ExplainPanelProps) {
  const client = useClient(project);
  const { mutate, data, error, isPending } = useMutation<Explained, DaisError>({
    mutationFn: async () => await explainRow(client, { endpoint, version, values }),
  });
  return (
    <Panel
      title="Explanation"
      actions={
        <Button size="compact-xs" variant="default" loading={isPending} onClick={() => mutate()}>
          {data === undefined ? 'Explain' : 'Explain again'}
        </Button>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {data === undefined ? (
        error === null && (
          <p className="dim">
            Contribution of each input to the output, relative to the input example of the model. The model runs again
            to compute it.
          </p>
        )
      ) : (
        <Explanation explained={data} values={values} answeredBy={version} />
      )}
    </Panel>
  );
}

interface ExplanationProps {
  readonly explained: Explained;
  readonly values: Readonly<Record<string, unknown>>;
  readonly answeredBy: string;
}

function Explanation({ explained, values, answeredBy }: ExplanationProps) {
  const { parts, baseline, output, method, scale, background, error, version } = explained;
  const most = Math.max(...parts.map(({ value }) => Math.abs(value)), 0);
  const shown = parts.slice(0, SHOWN);
  const rest = parts.slice(SHOWN).reduce((sum, { value }) => sum + value, 0);
  const bars = parts.length > SHOWN ? [...shown, { feature: `${parts.length - SHOWN} others`, value: rest }] : shown;
  return (
    <>
      {version !== answeredBy && (
        <p>
          Version {answeredBy} made this prediction and is no longer served. This explains the output of version{' '}
          {version} for the same input.
        </p>
      )}
      <p>
        From the baseline {number(baseline)}(mean over {background} rows of the input example) to{' '}
        <b>{number(output)}</b>
        {scale === 'margin' && ', on the margin scale (before the link function)'}.
      </p>
      <dl className="attributions" aria-label="Feature contributions">
        {bars.map(({ feature, value }) => (
          <div key={feature}>
            <dt title={feature}>
              {feature}
              {values[feature] !== undefined && <span className="dim"> = {shortText(values[feature], 20)}</span>}
            </dt>
            <dd>
              <svg viewBox="-50 0 100 14" preserveAspectRatio="none" aria-hidden="true">
                <rect
                  data-sign={value < 0 ? 'down' : 'up'}
                  x={value < 0 ? -length(value, most) : 0}
                  y="2"
                  width={length(value, most)}
                  height="10"
                />
                <line x1="0" x2="0" y1="0" y2="14" vectorEffect="non-scaling-stroke" />
              </svg>
            </dd>
            <dd>
              {value > 0 ? '+' : value < 0 ? '−' : ''}
              {number(Math.abs(value))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="dim">
        {METHODS[method] ?? method}
        {error !== null && error > 0 && `; standard error ${number(error)}`}.
      </p>
    </>
  );
}

/** Half of the width is 50. */
function length(value: number, most: number): number {
  return most === 0 ? 0 : (Math.abs(value) / most) * 50;
}

const number = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(5))) : 'unknown');
