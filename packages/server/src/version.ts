import { readFileSync } from 'node:fs';

/** The version of this program: what package.json says, both in development and in the published package. */
export function programVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
