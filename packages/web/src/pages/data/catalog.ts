/** Search in the dataset catalog. Pure functions. */
import type { DatasetSpec, Resource } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { z } from 'zod';
import type { datasetStatus } from '@dais/api';

export type DatasetStatus = z.output<typeof datasetStatus>;

export interface CatalogRow {
  readonly name: string;
  readonly resource: Resource;
  readonly spec: DatasetSpec;
  readonly status: Partial<DatasetStatus>;
  /** The newest version that is not deleted, in any state; also undefined while it loads. */
  readonly newest: DatasetVersion | undefined;
  /** Names of all known columns. */
  readonly columns: readonly string[];
}

export function specOf(resource: Resource | undefined): DatasetSpec {
  return (resource?.spec ?? {}) as DatasetSpec;
}

export function statusOf(resource: Resource | undefined): Partial<DatasetStatus> {
  return resource?.status ?? {};
}

export function catalogRow(resource: Resource, newest: DatasetVersion | undefined): CatalogRow {
  const spec = specOf(resource);
  const columns = newest?.schema.columns ?? spec.columns ?? [];
  const { name } = resource.metadata;
  return { name, resource, spec, status: statusOf(resource), newest, columns: columns.map((column) => column.name) };
}

/** The field of a dataset that matches a word; undefined: none. */
export interface Found {
  readonly in: 'name' | 'column' | 'owner' | 'tag' | 'description';
  readonly text: string;
}

/**
 * Every word has to match the name, the description, the owner, a label, a tag of the newest version or a column.
 * Returns the match of each, the nearest to the name first; undefined: a word has no match.
 */
export function findIn(row: CatalogRow, search: string): readonly Found[] | undefined {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found: Found[] = [];
  for (const word of words) {
    const one = findWord(row, word);
    if (one === undefined) return undefined;
    found.push(one);
  }
  return found;
}

function findWord({ name, resource, spec, newest, columns }: CatalogRow, word: string): Found | undefined {
  const has = (text: string | undefined) => text?.toLowerCase().includes(word) === true;
  if (has(name)) return { in: 'name', text: name };
  const column = columns.find(has);
  if (column !== undefined) return { in: 'column', text: column };
  if (has(spec.owner)) return { in: 'owner', text: spec.owner ?? '' };
  const labels = Object.entries(resource.metadata.labels).map(([key, value]) => `${key}=${value}`);
  const tag = [...(newest?.tags ?? []), ...labels].find(has);
  if (tag !== undefined) return { in: 'tag', text: tag };
  return has(spec.description) ? { in: 'description', text: spec.description ?? '' } : undefined;
}
