/** Converts the input of an operation to a request by its binding: the inverse of the server's decoding. */
import type { CallOptions } from '#client/transport.ts';
import { DaisError } from '#errors.ts';
import type { Operation } from '#operations/operation.ts';

type RequestOptions = Pick<CallOptions, 'method' | 'path' | 'query' | 'body' | 'headers'>;

/**
 * @throws DaisError `invalid_request` when a name is invalid in a URL.
 */
export function operationCall({ http }: Operation, input: Readonly<Record<string, unknown>>): RequestOptions {
  const fields: Record<string, unknown> = { ...input };
  const take = (name: string): unknown => {
    const value = fields[name];
    delete fields[name];
    return value;
  };
  const version = http.ifMatchField === undefined ? undefined : take(http.ifMatchField);
  const path = http.path.replaceAll(/:(\w+)/g, (_part, name: string) => {
    const value = take(name);
    return encodeName(typeof value === 'string' ? value : '');
  });
  const query: Record<string, string | number | boolean | undefined> = {};
  for (const name of http.query ?? []) {
    query[name] = take(name) as string | number | boolean | undefined;
  }
  const hasBody = http.content === undefined && (http.method === 'POST' || http.method === 'PUT');
  const body = http.bodyField === undefined ? fields : fields[http.bodyField];
  return {
    method: http.method,
    path,
    query,
    ...(hasBody && { body: { type: 'application/json', text: JSON.stringify(body) } }),
    ...(typeof version === 'string' && { headers: { 'if-match': `"${version}"` } }),
  };
}

/**
 * URL parsers interpret `.` and `..` as path steps even when encoded as `%2e`, so such names cannot be sent in paths.
 */
export function encodeName(name: string): string {
  if (name === '.' || name === '..' || name === '') {
    throw new DaisError('invalid_request', `"${name}" is not a valid resource name.`);
  }
  return encodeURIComponent(name);
}
