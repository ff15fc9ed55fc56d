import type { GatheredFile } from './gather.ts';

/** Returns the URI of a single object, or the common prefix of several. */
export function commonUri(files: readonly GatheredFile[]): string {
  const [first = '', ...rest] = files.map(({ uri = '' }) => uri);
  let length = first.length;
  for (const uri of rest) while (!uri.startsWith(first.slice(0, length))) length -= 1;
  return rest.length === 0 ? first : first.slice(0, first.lastIndexOf('/', length) + 1);
}
