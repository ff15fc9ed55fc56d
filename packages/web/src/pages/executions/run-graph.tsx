import type { ExecutionMark } from '@dais/api/executions';
import { useCallback, useMemo, useState } from 'react';
import { childrenOf, countGroups, type Marks } from './marks.ts';
import { groupsAround, groupsWithLines, levelOf, contentOf, MAX_DRAWN, opensItself } from './run-level.ts';
import { useEdges } from './use-marks.ts';
import type { NodeContent } from '#ui/graph/graph-box.tsx';
import { layoutGraph } from '#ui/graph/graph-layout.ts';
import { GraphView } from '#ui/graph/graph-view.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

export interface RunGraphProps {
  readonly project: string;
  readonly run: string;
  readonly marks: Marks;
  /** Changes with the set of marks, not with their states. */
  readonly shape: number;
  readonly chosen: string | undefined;
  readonly choose: (path: string | undefined) => void;
}

/** The graph of the steps with their progress. */
export function RunGraph({ project, run, marks, shape, chosen, choose }: RunGraphProps) {
  // Only new marks change the layout.
  // oxlint-disable-next-line react/exhaustive-deps -- see above
  const children = useMemo(() => childrenOf(marks.keys()), [shape]);
  const [folds, setFolds] = useState<ReadonlyMap<string, boolean>>(
    () => new Map(groupsAround(chosen ?? '').map((path) => [path, true])),
  );
  const size = marks.size;
  const open = useMemo(() => {
    const all = [...marks.values()].filter(
      (mark) => mark.kind !== 'step' && (folds.get(mark.path) ?? opensItself(mark, size)),
    );
    return new Set(all.map(({ path }) => path));
    // oxlint-disable-next-line react/exhaustive-deps -- the set of groups changes only with the shape
  }, [shape, folds, size]);
  const isOpen = useCallback((path: string) => open.has(path), [open]);
  // oxlint-disable-next-line react/exhaustive-deps -- see above
  const groups = useMemo(() => groupsWithLines({ marks, children, isOpen }), [children, isOpen]);
  const edges = useEdges(project, run, groups);
  const layout = useMemo(
    () => layoutGraph(levelOf({ marks, children, edges: edges.of, isOpen })),
    // oxlint-disable-next-line react/exhaustive-deps -- the lines of a group never change
    [children, isOpen, edges.known],
  );
  const counts = useMemo(() => countGroups(marks), [marks]);
  const [contents] = useState(() => new ContentCache());
  const content = useCallback((path: string) => contents.of(marks.get(path), counts), [contents, marks, counts]);
  const fold = useCallback((path: string, to: boolean) => setFolds((before) => new Map(before).set(path, to)), []);
  const hidden = [...open, ''].reduce(
    (sum, group) => sum + Math.max(0, (children.get(group)?.length ?? 0) - MAX_DRAWN),
    0,
  );
  if (!edges.of.has('')) return <Skeleton rows={8} />;
  return (
    <>
      <GraphView
        label="Graph of the job"
        layout={layout}
        contentOf={content}
        chosen={chosen}
        choose={choose}
        fold={fold}
      />
      {hidden > 0 && (
        <p className="dim">
          {hidden.toLocaleString('en')} more are in groups; the first {MAX_DRAWN.toLocaleString('en')} of each group are
          drawn. The Steps tab lists all.
        </p>
      )}
    </>
  );
}

/** The previous nodes: a node with the same content is the same object and is not rendered again. */
class ContentCache {
  readonly #kept = new Map<string, { readonly mark: ExecutionMark; readonly content: NodeContent }>();

  of(mark: ExecutionMark | undefined, counts: ReturnType<typeof countGroups>): NodeContent | undefined {
    if (mark === undefined) return undefined;
    const kept = this.#kept.get(mark.path);
    if (kept !== undefined && kept.mark === mark && mark.kind === 'step') return kept.content;
    const content = contentOf(mark, counts.get(mark.path));
    if (kept !== undefined && kept.content.note === content.note && kept.content.word === content.word)
      return kept.content;
    this.#kept.set(mark.path, { mark, content });
    return content;
  }
}
