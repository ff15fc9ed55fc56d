import { readFileSync } from 'node:fs';

/** The version of this program from package.json, both in development and in the published package. */
export function programVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
