/** How an importer names rows that Dais keeps: `dais://datasets/NAME`, `…/NAME@VERSION`, and `?format=csv` behind either. */
import type { Json } from '#ledgers/executions/index.ts';

export const DATASETS = 'dais://datasets/';

const ADDRESS = /^dais:\/\/datasets\/([^/?]+)(?:\?format=(parquet|csv))?$/;

export interface NamedRows {
  /** `NAME@VERSION`. */
  readonly reference: string;
  readonly format: 'parquet' | 'csv';
}

/** Undefined when it names something else. */
export function datasetIn(address: Json | undefined): NamedRows | undefined {
  const [, named, format] = typeof address === 'string' ? (ADDRESS.exec(address) ?? []) : [];
  if (named === undefined) return undefined;
  return {
    reference: named.includes('@') ? named : `${named}@latest`,
    format: format === 'csv' ? 'csv' : 'parquet',
  };
}
