import type { Run } from '@dais/api/tracking';
import { Link } from '@tanstack/react-router';
import { useContext } from 'react';
import { RowStateContext } from './row-state.ts';
import { childrenFilter, type ChildrenNote } from './run-tree.ts';
import { runAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { Icon } from '#ui/icons.tsx';

/** Indentation of each level in pixels; levels after the fifth are not indented further. */
const STEP = 18;
const DEEPEST = 5;

/** Limit of the server's count. */
const MOST_COUNTED = 1000;

const inset = (level: number) => ({ paddingLeft: (Math.min(level, DEEPEST) - 1) * STEP });

/** The name of a run, with the button that expands its child runs. */
export function RunName({ project, run }: { readonly project: string; readonly run: Run }) {
  const { tree } = useContext(RowStateContext);
  const link = <RowLink address={runAddress(project, run.id)}>{run.name}</RowLink>;
  if (tree === undefined) return link;
  const { id, name, children = 0 } = run;
  const open = tree.opened.has(id);
  return (
    <span style={inset(tree.levels.get(id) ?? 1)}>
      {children === 0 ? (
        <span className="runs-fold" />
      ) : (
        <button
          type="button"
          tabIndex={-1}
          className="runs-fold"
          aria-expanded={open}
          aria-label={`Nested runs of ${name}`}
          onClick={() => tree.fold(id, !open)}
        >
          <Icon name={open ? 'down' : 'right'} />
        </button>
      )}
      {link}
      {children > 0 && (
        <span className="runs-below" title="Nested runs">
          {children.toLocaleString('en')}
          {children >= MOST_COUNTED && '+'}
        </span>
      )}
    </span>
  );
}

export function ChildrenWords({ note }: { readonly note: ChildrenNote }) {
  const { childrenOf, state, level } = note;
  return (
    <span className="dim" style={inset(level)}>
      <span className="runs-fold" />
      {state === 'loading' && 'Loading'}
      {state === 'failed' && 'Loading failed; retrying'}
      {state === 'more' && (
        <Link to="." search={{ filter: childrenFilter(childrenOf) }}>
          Show all nested runs
        </Link>
      )}
    </span>
  );
}
