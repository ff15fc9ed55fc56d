/** The innermost code of a failed call: `ECONNREFUSED`, `CERT_HAS_EXPIRED`; the name of the error when it has none. */
export function errorCode(error: unknown): string {
  let here: unknown = error;
  let code = '';
  for (let depth = 0; depth < 4 && here instanceof Error; depth++) {
    const own: unknown = (here as NodeJS.ErrnoException).code;
    if (typeof own === 'string') code = own;
    // Node tries every address of a name and collects the errors.
    here = here instanceof AggregateError ? here.errors[0] : here.cause;
  }
  if (code !== '') return code;
  return error instanceof Error ? error.name : 'failed';
}
