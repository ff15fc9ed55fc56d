/** From the steps of a run to what is drawn. Pure. */
import { durationText } from '#pages/runs/run-words.ts';
import type { ExecutionMark } from '@dais/api/executions';
import { NODE_STATES, sourceWord, taskName } from './execution-words.ts';
import { hasEnded, parentOf, type GroupCount, type Marks } from './marks.ts';
import type { Edge } from './use-marks.ts';
import type { NodeLook } from '#ui/graph/graph-box.tsx';
import type { GraphLevel, GraphNode } from '#ui/graph/graph-layout.ts';

/** Of one group: more are no picture any more, and stand in the list of steps. */
export const MOST_DRAWN = 1000;

/** Groups of a run this small are open from the beginning, loops of so many items too. */
const SMALL_RUN = 80;
const SMALL_LOOP = 4;

export interface RunGraph {
  readonly marks: Marks;
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** By group; of those that are not here it is not known yet. */
  readonly edges: ReadonlyMap<string, readonly Edge[]>;
  readonly isOpen: (path: string) => boolean;
}

export function levelOf(graph: RunGraph, group = ''): GraphLevel {
  const { marks, children, edges, isOpen } = graph;
  const nodes = (children.get(group) ?? []).slice(0, MOST_DRAWN).map((path): GraphNode => {
    const inGroup = children.has(path);
    const known = marks.get(path)?.kind === 'loop' || edges.has(path);
    return inGroup && known && isOpen(path)
      ? { id: path, group: true, inside: levelOf(graph, path) }
      : { id: path, group: inGroup };
  });
  return { nodes, edges: edges.get(group) ?? [] };
}

/** Groups whose lines are drawn: all that are open, from the outside in. Iterations of a loop have no lines between them. */
export function groupsWithLines({ marks, children, isOpen }: Omit<RunGraph, 'edges'>): readonly string[] {
  const found: string[] = [];
  const visit = (group: string) => {
    if (marks.get(group)?.kind !== 'loop') found.push(group);
    for (const path of (children.get(group) ?? []).slice(0, MOST_DRAWN)) {
      if (children.has(path) && isOpen(path)) visit(path);
    }
  };
  visit('');
  return found;
}

/** What is open before anybody opened or shut something. */
export function opensItself(mark: ExecutionMark | undefined, size: number): boolean {
  if (mark === undefined || size > SMALL_RUN) return false;
  return mark.kind === 'graph' || (mark.items ?? 0) <= SMALL_LOOP;
}

/** The groups that a step stands in, from the outside in. */
export function groupsAround(path: string): readonly string[] {
  const found: string[] = [];
  for (let at = parentOf(path); at !== ''; at = parentOf(at)) found.unshift(at);
  return found;
}

export function lookOf(mark: ExecutionMark, count: GroupCount | undefined): NodeLook {
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

/** The step that is looked at before one was chosen: the only one, or the first that failed. */
export function firstLook(marks: Marks): string | undefined {
  const steps = [...marks.values()].filter(({ kind }) => kind === 'step');
  if (steps.length === 1) return steps[0]?.path;
  return steps.filter(({ state }) => state === 'failed').toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))[0]
    ?.path;
}
