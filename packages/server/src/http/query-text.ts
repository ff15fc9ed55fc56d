import { DaisError } from '@dais/api';

/**
 * Returns every value of every name of a query string, decoded. @throws DaisError `invalid_request` for an invalid
 * escape.
 */
export function parseQuery(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new DaisError(
      'invalid_request',
      `The query string is not percent-encoded UTF-8: "${text.slice(0, 80)}".`,
      {
        cause: error,
      },
    );
  }
}
