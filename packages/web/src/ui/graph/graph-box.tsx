import { memo } from 'react';
import type { PlacedNode } from './graph-layout.ts';
import { ActionIcon } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import { StateShape, type State } from '#ui/state-badge.tsx';

/** Content of a node. */
export interface NodeContent {
  readonly title: string;
  readonly state: State;
  /** The state as text. */
  readonly word: string;
  /** `2 attempts`, `from the cache`, `12 of 40`. */
  readonly note?: string | undefined;
  /** The full name, shown on hover. */
  readonly about: string;
}

export interface GraphBoxProps {
  readonly node: PlacedNode;
  readonly content: NodeContent | undefined;
  readonly chosen: boolean;
  readonly choose: (id: string) => void;
  readonly fold: (id: string, open: boolean) => void;
}

/** Rendered again only when its own state, position or selection changes. */
export const GraphBox = memo(function GraphBox({ node, content, chosen, choose, fold }: GraphBoxProps) {
  const { id, x, y, width, height, group, open } = node;
  const title = content?.title ?? id;
  return (
    <div
      className="graph-box"
      data-state={content?.state}
      data-chosen={chosen || undefined}
      data-group={group || undefined}
      data-open={open || undefined}
      style={{ transform: `translate(${x}px, ${y}px)`, width, height }}
    >
      <div className="graph-box-head">
        {content !== undefined && <StateShape state={content.state} />}
        {/* The graph is one stop of the Tab key: arrow keys move between its nodes. */}
        <button type="button" tabIndex={-1} aria-pressed={chosen} title={content?.about} onClick={() => choose(id)}>
          <span className="graph-box-title">{title}</span>
          <span className="graph-box-note">
            {content?.word}
            {content?.note === undefined ? '' : ` · ${content.note}`}
          </span>
        </button>
        {group && (
          <ActionIcon
            size="sm"
            tabIndex={-1}
            aria-label={`${open ? 'Collapse' : 'Expand'} ${title}`}
            aria-expanded={open}
            onClick={() => fold(id, !open)}
          >
            <Icon name={open ? 'up' : 'down'} />
          </ActionIcon>
        )}
      </div>
    </div>
  );
});
