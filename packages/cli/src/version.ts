import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Version of this package. Its package.json is in a parent folder, at a depth that differs between sources and build.
 */
export function ownVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        string
      >;
      if (name === '@dais/cli' && version !== undefined) return version;
    } catch {
      // No package.json here: continue in the parent folder.
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}
