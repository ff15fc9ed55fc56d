/** Parses an error of DuckDB, which is JSON (`errors_as_json`). */
export interface DuckdbError {
  /** `Binder`, `Conversion`, `Out of Memory` … */
  readonly type: string;
  readonly message: string;
  /** Byte position of the error in the SQL. */
  readonly position: number | undefined;
  readonly subtype: string | undefined;
  readonly name: string | undefined;
  readonly candidates: readonly string[];
}

/** Returns undefined for other errors. */
export function duckdbError(error: unknown): DuckdbError | undefined {
  if (!(error instanceof Error)) return undefined;
  const start = error.message.indexOf('{"exception_type"');
  if (start < 0) {
    const [, type, message] = /^((?:[A-Z][A-Za-z]* )+)Error: ([\s\S]*)$/.exec(error.message) ?? [];
    if (type === undefined || message === undefined) return undefined;
    return { type: type.trim(), message, position: undefined, subtype: undefined, name: undefined, candidates: [] };
  }
  const details = parsed(error.message.slice(start));
  const position = Number(details['position']);
  return {
    type: details['exception_type'] ?? 'Unknown',
    message: details['exception_message'] ?? '',
    position: Number.isInteger(position) ? position : undefined,
    subtype: details['error_subtype'],
    name: details['name'],
    candidates: (details['candidates'] ?? '').split(',').filter((each) => each !== ''),
  };
}

function parsed(json: string): Partial<Record<string, string>> {
  try {
    return JSON.parse(json) as Partial<Record<string, string>>;
  } catch {
    return { exception_type: 'Unknown', exception_message: '' };
  }
}
