/** Collects errors in the data of a job: counts all, reports the first ones, and writes all to a file if requested. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import type { DataError, DataErrorKind } from '../../contract.ts';
import { QueryError } from '../../model/query-error.ts';

const MOST_REPORTED = 100;
const LONGEST_VALUE = 200;

export class DataErrorLog {
  readonly first: DataError[] = [];
  count = 0;
  readonly #path: string | undefined;
  #file: WriteStream | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** `value` is complete; reports shorten it. */
  async add(found: DataError): Promise<void> {
    this.count += 1;
    if (this.first.length < MOST_REPORTED) this.first.push(shortened(found));
    if (this.#path === undefined) return;
    this.#file ??= createWriteStream(this.#path);
    if (!this.#file.write(`${JSON.stringify(found)}\n`)) await once(this.#file, 'drain');
  }

  async close(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    file.end();
    await once(file, 'close');
  }
}

/** Returns the error for data errors that fail a job. */
export function dataErrors(errors: readonly DataError[], count = errors.length): QueryError {
  const [first] = errors;
  const path = first === undefined ? '' : locationOf(first);
  const more = count > 1 ? ` (the first of ${count} errors)` : '';
  return new QueryError('data_invalid', `${path}${first?.problem ?? 'The data is invalid.'}${more}`, {
    errors: errors.slice(0, MOST_REPORTED).map(shortened),
    errorCount: count,
  });
}

/** Returns the error for one data error that ends reading of its file. */
export function dataError(
  kind: DataErrorKind,
  position: { readonly table: string; readonly file: string; readonly line?: number; readonly column?: string },
  problem: string,
  remedy: string,
): QueryError {
  return dataErrors([{ kind, ...position, problem, remedy }]);
}

function locationOf({ file, line, column }: DataError): string {
  const parts = [
    file,
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(column === undefined ? [] : [`column "${column}"`]),
  ];
  return `${parts.join(', ')}: `;
}

function shortened(given: DataError): DataError {
  if (given.value === undefined || given.value.length <= LONGEST_VALUE) return given;
  return { ...given, value: `${given.value.slice(0, LONGEST_VALUE)}…` };
}
