/** Dependencies of the modules of an export to a running server. */
import type { Experiment } from '@dais/api/tracking';
import type { MlflowRest } from '#import/mlflow-rest.ts';
import type { Tally } from '#import/tally.ts';
import type { DaisSource } from './dais-source.ts';

export const API = '/api/2.0/mlflow';
export const API_3 = '/api/3.0/mlflow';

/** Tags by which a second export recognizes the objects of the first: the id here, and the exported state. */
export const OLD_ID = 'dais.id';
export const STATE = 'dais.state';

export type Json = Readonly<Record<string, unknown>>;

/** An experiment there with its id here. */
export interface TargetExperiment {
  readonly from: Experiment;
  readonly id: string;
  readonly artifactUri: string;
  /** Restores a deleted experiment before writes; it is deleted again at the end. */
  wake(): Promise<void>;
}

export interface ServerDependencies {
  readonly rest: MlflowRest;
  readonly source: DaisSource;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
  /** A failed object does not prevent the others. */
  readonly failed: (what: string, error: unknown) => void;
  readonly ids: Ids;
}

/** Ids there, by ids here. */
export class Ids {
  readonly experiments = new Map<string, TargetExperiment>();
  readonly runs = new Map<string, string>();
  readonly models = new Map<string, string>();

  /** Replaces ids and URLs in a text by those of the other server. */
  rewrite(text: string): string {
    let rewritten = text;
    for (const { from, artifactUri } of this.experiments.values()) {
      if (rewritten.startsWith(`${from.artifactUri}/`)) {
        rewritten = `${artifactUri}${rewritten.slice(from.artifactUri.length)}`;
        break;
      }
    }
    return rewritten.replaceAll(/\b(?:m-)?[0-9a-f]{32}\b/g, (id) => this.runs.get(id) ?? this.models.get(id) ?? id);
  }

  rewriteAll(tags: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, this.rewrite(value)]));
  }
}

export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
export const object = (value: unknown): Json => (value ?? {}) as Json;
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export function tagsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(list(value).map((tag) => [text(tag['key']), text(tag['value'])]));
}

export function pairs(tags: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const all: Item[][] = [];
  for (let from = 0; from < items.length; from += size) all.push(items.slice(from, from + size));
  return all;
}

/** Pages of a search there. */
export async function* searched(rest: MlflowRest, path: string, body: Json, name: string): AsyncGenerator<Json> {
  let token: string | undefined;
  do {
    const page = await rest.post(path, { ...body, ...(token !== undefined && { page_token: token }) });
    yield* list(page[name]);
    token = text(page['next_page_token']) || undefined;
  } while (token !== undefined);
}
