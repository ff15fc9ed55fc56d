/** URIs of dataset versions in importers: `dais://datasets/NAME` or `…/NAME@VERSION`, optionally with `?format=csv`. */
import type { Json } from '#ledgers/executions/index.ts';

export const DATASETS = 'dais://datasets/';

const ADDRESS = /^dais:\/\/datasets\/([^/?]+)(?:\?format=(parquet|csv))?$/;

export interface NamedRows {
  /** `NAME@VERSION`. */
  readonly reference: string;
  readonly format: 'parquet' | 'csv';
}

/** Parses the URI. Undefined: it is not a dataset URI. */
export function datasetIn(address: Json | undefined): NamedRows | undefined {
  const [, named, format] = typeof address === 'string' ? (ADDRESS.exec(address) ?? []) : [];
  if (named === undefined) return undefined;
  return {
    reference: named.includes('@') ? named : `${named}@latest`,
    format: format === 'csv' ? 'csv' : 'parquet',
  };
}
