import { datasetKind, type KindSpec } from '@dais/api';
import { modelKind } from '@dais/api/registry';
import { Link } from '@tanstack/react-router';
import { namedListAddress } from '#addresses.ts';
import { StateShape } from '#ui/state-badge.tsx';

/** The steps from data to a monitored model: the result of each, the shortest command, and its documentation. */
const STEPS = [
  {
    kind: datasetKind.kind,
    title: 'Add a dataset',
    command: 'dais data push flights flights.csv',
    guide: 'docs/guide/datasets',
  },
  {
    kind: modelKind.kind,
    title: 'Train and register a model',
    command: 'mlflow.register_model("runs:/RUN/model", "flights")',
    guide: 'docs/tutorial/track-your-first-model',
  },
  {
    kind: 'Endpoint',
    title: 'Deploy it',
    command: 'dais deploy models:/flights/1 --to delays',
    guide: 'docs/guide/serve-a-model',
  },
  {
    kind: 'Monitor',
    title: 'Monitor it',
    command: 'dais apply -f monitor.yaml',
    guide: 'docs/guide/monitor-a-model',
  },
] as const;

export interface NextStepsProps {
  readonly project: string;
  /** Number of resources of a kind; undefined: not readable, or not loaded yet. */
  readonly countOf: (kind: KindSpec['kind']) => number | undefined;
}

/** Shows the command of the first incomplete step; complete steps are dimmed. */
export function NextSteps({ project, countOf }: NextStepsProps) {
  const next = STEPS.find(({ kind }) => countOf(kind) === 0);
  return (
    <ol className="home-next">
      {STEPS.map(({ kind, title, command, guide }) => {
        const count = countOf(kind) ?? 0;
        return (
          <li key={kind}>
            <span>
              <StateShape state={count > 0 ? 'ok' : 'waiting'} />{' '}
              <Link {...namedListAddress(kind, project)}>{title}</Link>
              <span className="out-of-sight">{count > 0 ? ', done' : ', not done yet'}</span>
            </span>
            {next?.kind === kind && (
              <>
                <code>{command}</code>
                <a href={guide} target="_blank" rel="noreferrer">
                  Guide
                </a>
              </>
            )}
          </li>
        );
      })}
      <li className="dim">
        <span>
          <kbd>Ctrl K</kbd> opens search, <kbd>?</kbd> lists the keyboard shortcuts
        </span>
      </li>
    </ol>
  );
}
