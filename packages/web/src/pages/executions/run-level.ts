/** Maps the steps of an execution to the drawn graph. Pure functions. */
import { durationText } from '#pages/runs/run-words.ts';
import type { ExecutionMark } from '@dais/api/executions';
import { NODE_STATES, sourceWord, taskName } from './execution-words.ts';
import { hasEnded, parentOf, type GroupCount, type Marks } from './marks.ts';
import type { Edge } from './use-marks.ts';
import type { NodeContent } from '#ui/graph/graph-box.tsx';
import type { GraphLevel, GraphNode } from '#ui/graph/graph-layout.ts';

/** Maximum number of drawn steps of one group: the list of steps shows larger groups. */
export const MAX_DRAWN = 1000;

/** Groups of an execution up to this size are open initially, and loops of as many items too. */
const SMALL_RUN = 80;
const SMALL_LOOP = 4;

export interface RunGraph {
  readonly marks: Marks;
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** By group; unknown for absent groups. */
  readonly edges: ReadonlyMap<string, readonly Edge[]>;
  readonly isOpen: (path: string) => boolean;
}

export function levelOf(graph: RunGraph, group = ''): GraphLevel {
  const { marks, children, edges, isOpen } = graph;
  const nodes = (children.get(group) ?? []).slice(0, MAX_DRAWN).map((path): GraphNode => {
    const inGroup = children.has(path);
    const known = marks.get(path)?.kind === 'loop' || edges.has(path);
    return inGroup && known && isOpen(path)
      ? { id: path, group: true, inside: levelOf(graph, path) }
      : { id: path, group: inGroup };
  });
  return { nodes, edges: edges.get(group) ?? [] };
}

/** Groups whose lines are drawn: all open ones, from the outermost. Iterations of a loop have no lines between them. */
export function groupsWithLines({ marks, children, isOpen }: Omit<RunGraph, 'edges'>): readonly string[] {
  const found: string[] = [];
  const visit = (group: string) => {
    if (marks.get(group)?.kind !== 'loop') found.push(group);
    for (const path of (children.get(group) ?? []).slice(0, MAX_DRAWN)) {
      if (children.has(path) && isOpen(path)) visit(path);
    }
  };
  visit('');
  return found;
}

/** The initially open groups. */
export function opensItself(mark: ExecutionMark | undefined, size: number): boolean {
  if (mark === undefined || size > SMALL_RUN) return false;
  return mark.kind === 'graph' || (mark.items ?? 0) <= SMALL_LOOP;
}

/** The ancestors of a step, from the outermost. */
export function groupsAround(path: string): readonly string[] {
  const found: string[] = [];
  for (let at = parentOf(path); at !== ''; at = parentOf(at)) found.unshift(at);
  return found;
}

export function contentOf(mark: ExecutionMark, count: GroupCount | undefined): NodeContent {
  const { state, word } = NODE_STATES[mark.state];
  const parts = mark.kind === 'step' ? stepNotes(mark) : groupNotes(mark, count);
  return {
    title: taskName(mark.path),
    state,
    word: sourceWord(mark.source) ?? word,
    ...(parts.length > 0 && { note: parts.join(' · ') }),
    about: mark.path,
  };
}

function stepNotes(mark: ExecutionMark): readonly string[] {
  const { startedAt, endedAt, attempts, source } = mark;
  return [
    ...(source === undefined && startedAt !== undefined && endedAt !== undefined && hasEnded(mark)
      ? [durationText(endedAt - startedAt)]
      : []),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
  ];
}

function groupNotes({ kind, items }: ExecutionMark, count: GroupCount | undefined): readonly string[] {
  return [
    ...(kind === 'loop' && items !== undefined && items > 0 ? [`${items.toLocaleString('en')} items`] : []),
    ...(count === undefined ? [] : [`${count.ended.toLocaleString('en')} of ${count.steps.toLocaleString('en')}`]),
    ...(count !== undefined && count.failed > 0 ? [`${count.failed.toLocaleString('en')} failed`] : []),
  ];
}

/** The initially selected step: the only one, or the first failed one. */
export function initialStep(marks: Marks): string | undefined {
  const steps = [...marks.values()].filter(({ kind }) => kind === 'step');
  if (steps.length === 1) return steps[0]?.path;
  return steps.filter(({ state }) => state === 'failed').toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))[0]
    ?.path;
}
