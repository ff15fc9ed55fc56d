import type { Resource } from '@dais/api';
import { age } from '#output/age.ts';
import type { Cell } from '#output/table.ts';
import { columnCell, labelsText } from '#resources/column-values.ts';
import type { KindView } from '#resources/kind-view.ts';

export interface ResourceTableOptions {
  readonly wide: boolean;
  /** With a column for the project. */
  readonly allProjects: boolean;
  readonly nowMs: number;
}

interface TableColumn {
  readonly title: string;
  readonly cell: (resource: Resource) => Cell;
}

/** Columns of `dais get` for a kind: name, the kind's own columns, age; with `wide`, labels and provenance. */
export function resourceColumns(kind: KindView, options: ResourceTableOptions): readonly TableColumn[] {
  const { wide, allProjects, nowMs } = options;
  const text = (title: string, read: (resource: Resource) => string): TableColumn => ({
    title,
    cell: (resource) => ({ text: read(resource) }),
  });
  return [
    ...(allProjects && kind.scope === 'project' ? [text('project', ({ metadata }) => metadata.project ?? '')] : []),
    { title: 'name', cell: nameCell },
    ...kind.columns
      .filter((column) => wide || column.wide !== true)
      .map((column) => ({ title: column.title, cell: (resource: Resource) => columnCell(resource, column) })),
    ...(wide
      ? [
          text('labels', ({ metadata }) => labelsText(metadata.labels)),
          text('revision', ({ metadata }) => String(metadata.generation)),
          text('created by', ({ metadata }) => metadata.origin),
          text('updated', ({ metadata }) => age(metadata.updatedAt, nowMs)),
        ]
      : []),
    text('age', ({ metadata }) => age(metadata.createdAt, nowMs)),
  ];
}

function nameCell({ metadata }: Resource): Cell {
  if (metadata.deletionRequestedAt === undefined) return { text: metadata.name };
  return { text: `${metadata.name} (being deleted)`, paint: (style) => style.warn };
}

/** `secret/chat-webhook`: the notation that commands accept. */
export function resourceWord(resource: Pick<Resource, 'kind' | 'metadata'>): string {
  return `${resource.kind.toLowerCase()}/${resource.metadata.name}`;
}
