/** Join keys and request fields: columns of equal length, read by their types. */
import { DaisError } from '@dais/api';
import { type ValueType } from '@dais/api/data';
import { InvalidValueError, readValue, type Value } from '../values/cells.ts';

export type Columns = Readonly<Record<string, readonly unknown[]>>;

/** Returns the common length of columns. @throws DaisError `invalid_request` for different lengths */
export function rowCount(columns: Columns, what: string): number {
  const lengths = Object.entries(columns).map(([name, values]) => ({ name, length: values.length }));
  const [first] = lengths;
  const other = lengths.find(({ length }) => length !== first?.length);
  if (first !== undefined && other !== undefined) {
    throw new DaisError(
      'invalid_request',
      `Columns of ${what} must have the same length: "${first.name}" has ${first.length} values, "${other.name}" has ${other.length}.`,
    );
  }
  return first?.length ?? 0;
}

/** Reads a column. @throws DaisError `invalid_request` with the column, the row (from 0) and the expected type */
export function readColumn(columns: Columns, name: string, type: ValueType, what: string): Value[] {
  if (!Object.hasOwn(columns, name)) {
    throw new DaisError('invalid_request', `Column "${name}" of ${what} is missing.`);
  }
  return (columns[name] ?? []).map((given, row) => {
    try {
      return readValue(type, given);
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      throw new DaisError('invalid_request', `Column "${name}" of ${what}, row ${row}: ${error.message}.`, {
        issues: [{ path: `${what}.${name}[${row}]`, message: error.message }],
      });
    }
  });
}
