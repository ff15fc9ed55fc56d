/** Parsers of both protocols by media type: in place, or on the thread. */
import { readCsv } from './csv.ts';
import { readInstances, readScoringBody, type ScoringBody } from './frame.ts';

/** `instances`: KServe V1 protocol. */
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
