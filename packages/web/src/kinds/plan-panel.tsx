import type { Change, DaisError, KindSpec } from '@dais/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { singular } from './kind-words.ts';
import type { ManifestProblem } from './manifest-problems.ts';
import { changeAddress } from '#addresses.ts';
import { Button } from '#ui/controls.ts';
import { DiffView } from '#ui/diff-view.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface PlanPanelProps {
  readonly kind: KindSpec;
  readonly project: string;
  /** The current text; empty for a new resource. */
  readonly before: string;
  readonly after: string;
  readonly problems: readonly ManifestProblem[];
  readonly isNew: boolean;
  /** The plan of this exact text. */
  readonly plan: readonly Change[] | undefined;
  readonly planError: DaisError | null;
  readonly applyError: DaisError | null;
  readonly reload: () => void;
  /** Additional content of a kind. */
  readonly children?: ReactNode;
}

/** Shows the problems, the changes and the permissions of the edited manifest. */
export function PlanPanel(props: PlanPanelProps) {
  const { before, after, problems, plan, planError, applyError, isNew, reload, children } = props;
  return (
    <div className="edit-side">
      {applyError !== null && (
        <ErrorNote error={applyError}>
          {(applyError.code === 'precondition_failed' || applyError.code === 'conflict') && (
            <Button variant="default" onClick={reload}>
              Load the current version (discards your edits)
            </Button>
          )}
        </ErrorNote>
      )}
      {planError !== null && <ErrorNote error={planError} />}
      {problems.length > 0 ? (
        <Panel title={problems.length === 1 ? '1 error' : `${problems.length} errors`}>
          <ul className="problems" aria-live="polite">
            {problems.slice(0, 20).map((problem) => (
              <li key={`${problem.from} ${problem.message}`}>
                <span className="dim">line {after.slice(0, problem.from).split('\n').length}</span> {problem.message}
              </li>
            ))}
          </ul>
        </Panel>
      ) : (
        <Result {...props} />
      )}
      {children}
      {(plan !== undefined || before !== after) && !isNew && problems.length === 0 && (
        <Panel title="Your changes" flush>
          <DiffView label="Changed lines" before={before} after={after} />
        </Panel>
      )}
    </div>
  );
}

function Result({ kind, project, plan, planError, isNew }: PlanPanelProps) {
  const change = plan?.find((one) => one.kind === kind.kind);
  if (planError !== null) return null;
  if (plan === undefined || change === undefined) {
    return (
      <Panel title="Plan">
        <p className="dim">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> shows what applying would change and whether policies allow it.{' '}
          <kbd>Ctrl</kbd> <kbd>Space</kbd> completes.
        </p>
      </Panel>
    );
  }
  const { action, fields, name } = change;
  return (
    <Panel title="Plan">
      <div role="status">
        <StateBadge
          state={action === 'unchanged' ? 'off' : isNew && action === 'update' ? 'warning' : 'ok'}
          word={resultWord(action, isNew)}
        />
        {isNew && action !== 'create' && (
          <p>
            A {singular(kind)} <Link {...changeAddress(kind, project, name)}>{name}</Link> with this name already
            exists. Edit it or choose another name.
          </p>
        )}
        {fields.length > 0 && (
          <ul className="problems">
            {fields.slice(0, 50).map((field) => (
              <li key={field.path}>
                <code>{field.path}</code> <span className="dim">{fieldWord(field)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function resultWord(action: Change['action'], isNew: boolean): string {
  if (action === 'unchanged') return 'No changes';
  if (isNew && action === 'update') return 'Name already exists';
  return action === 'create' ? 'Allowed: would be created' : 'Allowed: would be updated';
}

function fieldWord({ before, after }: Change['fields'][number]): string {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}
