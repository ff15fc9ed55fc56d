/** The bodies of both protocols by their type: what the door reads itself, and what its thread reads. */
import { readCsv } from './csv.ts';
import { readInstances, readScoringBody, type ScoringBody } from './frame.ts';

/** `instances`: KServe's first protocol. */
export type BodyForm = 'json' | 'csv' | 'parquet' | 'instances';

export function readText(form: Exclude<BodyForm, 'parquet'>, body: Buffer): ScoringBody {
  switch (form) {
    case 'json':
      return readScoringBody(body);
    case 'csv':
      return readCsv(body);
    case 'instances':
      return readInstances(body);
    default:
      return form satisfies never;
  }
}
