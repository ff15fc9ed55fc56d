/**
 * Builds statements whose text depends on a request, such as searches with filters. Values are bound, never part of the
 * text; names of tables and columns come from the source.
 * `tools/checked-sql` prepares these statements too. It cannot run the functions that compose parts of them, so a
 * function whose text the source does not determine names an example with the tag `@checkedAs`.
 */

/** Binds a value and returns its placeholder (`$7`). */
export type Bind = (value: unknown) => string;

export interface ComposedStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Builds a statement. `first` are the values of `$1`, `$2`, … that the text names itself. */
export function composeStatement(write: (bind: Bind) => string, first: readonly unknown[] = []): ComposedStatement {
  const values = [...first];
  return { text: write((value) => `$${values.push(value)}`), values };
}

/**
 * Lists the columns of a `select`; there is at least one.
 *
 * @checkedAs 1
 */
export function listOf(columns: readonly string[]): string {
  return columns.join(', ');
}

/**
 * Joins conditions with `and`; false and undefined are left out, and no condition at all is `true`.
 *
 * @checkedAs true
 */
export function allOf(conditions: readonly (string | false | undefined)[]): string {
  const present = conditions.filter((condition) => typeof condition === 'string');
  return present.length === 0 ? 'true' : present.map((condition) => `(${condition})`).join(' and ');
}
