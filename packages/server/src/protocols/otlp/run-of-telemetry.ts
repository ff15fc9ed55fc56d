/**
 * Metrics and logs belong to a run: that of a header, else of the program (the resource), else of the data point or log
 * record itself. Telemetry without a run has no place in Dais, and is rejected.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { DaisError } from '@dais/api';
import type { Rejections } from './encode.ts';
import { errorText, Refusal } from './otlp-http.ts';
import type { Attributes } from './span-draft.ts';

export const RUN_HEADER = 'x-mlflow-run-id';
/** Attributes with the id of a run. */
export const RUN_ATTRIBUTES: readonly string[] = ['mlflow.runId', 'mlflow.run_id'];

const RUN_ID = /^[A-Za-z0-9][\w-]{0,255}$/;
/** Errors of one run that do not concern the others of the request. */
const ERRORS_OF_A_RUN: ReadonlySet<string> = new Set(['not_found', 'invalid_state', 'invalid_request']);

/** Collects the items of a request by run, stores them, and counts what it cannot store. */
export class ItemsByRun<Item> {
  readonly #what: string;
  readonly #header: string | undefined;
  readonly #runs = new Map<string, Item[]>();
  #items = 0;
  #rejected = 0;
  #reason: string | undefined;
  #error: DaisError | undefined;

  /** `what`: noun of the items in plural. */
  constructor(what: string, headers: IncomingHttpHeaders) {
    this.#what = what;
    const header = headers[RUN_HEADER];
    this.#header = typeof header === 'string' && header !== '' ? header : undefined;
  }

  /** `item`: undefined for an item that has nothing to store. */
  add(item: Item | undefined, attributes: Attributes, resource: Attributes): void {
    this.#items += 1;
    const run = this.#header ?? runIn(resource) ?? runIn(attributes);
    if (run === undefined) {
      this.#reject(
        1,
        `these ${this.#what} name no run, and Dais stores ${this.#what} of runs only: set the resource attribute ${RUN_ATTRIBUTES[0]} or the header ${RUN_HEADER} to the id of a run`,
      );
      return;
    }
    if (!RUN_ID.test(run)) return this.#reject(1, `"${run.slice(0, 80)}" is not the id of a run`);
    const items = this.#runs.get(run) ?? [];
    this.#runs.set(run, items);
    if (item !== undefined) items.push(item);
  }

  /** Counts an item that cannot be stored. */
  reject(reason: string): void {
    this.#items += 1;
    this.#reject(1, reason);
  }

  #reject(count: number, reason: string): void {
    this.#rejected += count;
    this.#reason ??= reason;
  }

  /** Stores the items in batches. @throws Refusal, DaisError if none of them was stored */
  async store(size: (item: Item) => number, batch: (run: string, items: readonly Item[]) => Promise<unknown>) {
    for (const [run, items] of this.#runs) {
      for (const part of batches(items, size)) {
        try {
          await batch(run, part);
        } catch (error) {
          if (!(error instanceof DaisError) || !ERRORS_OF_A_RUN.has(error.code)) throw error;
          this.#error ??= error;
          this.#reject(part.length, errorText(error));
        }
      }
    }
    if (this.#items > 0 && this.#rejected === this.#items) {
      throw this.#error ?? new Refusal(`All ${this.#what} were rejected: ${this.#reason ?? ''}.`);
    }
    return { rejected: this.#rejected, reason: this.#reason } satisfies Rejections;
  }
}

function runIn(attributes: Attributes): string | undefined {
  return RUN_ATTRIBUTES.map((key) => attributes[key]).find(
    (value): value is string => typeof value === 'string' && value !== '',
  );
}

/** Limit of one call of `run.log` and `run.addMessages`. */
const BATCH = 1000;

function* batches<Item>(items: readonly Item[], size: (item: Item) => number): Iterable<readonly Item[]> {
  let part: Item[] = [];
  let used = 0;
  for (const item of items) {
    const needed = size(item);
    if (used + needed > BATCH && part.length > 0) {
      yield part;
      [part, used] = [[], 0];
    }
    part.push(item);
    used += needed;
  }
  if (part.length > 0) yield part;
}
