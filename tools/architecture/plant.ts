/** A repository in memory, for tests that plant a breach. */
import { readSource, type SourceFile } from './source-file.ts';

export function plant(texts: Readonly<Record<string, string>>): Map<string, SourceFile> {
  return new Map(Object.entries(texts).map(([path, text]) => [path, readSource(path, text)]));
}
