/** For tests of what users install: the files of a release, and an npm registry that has only these and the locked packages. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, runCommand } from '../command.mjs';
import { cacheFolder, environment } from '../environment.mjs';
import { fillNpmCache, startNpmMirror } from '../npm-mirror.mjs';
import { writeRelease } from '../release.mjs';

export interface OfflineRelease {
  /** Empty, except for the folders below; `remove` deletes it. */
  readonly folder: string;
  /** The files of the release. */
  readonly out: string;
  readonly version: string;
  /** Variables of a user who has the registry, this Node on the PATH, an empty home and an empty npm cache. */
  readonly variables: Readonly<Record<string, string>>;
  /** Requests that the registry could not serve. */
  readonly misses: readonly string[];
  remove(): void;
}

export async function startOfflineRelease(): Promise<OfflineRelease> {
  const folder = mkdtempSync(join(tmpdir(), 'rel-'));
  const out = join(folder, 'out');
  await writeRelease(out, () => {});
  const cache = join(cacheFolder(), 'air-gap', 'npm');
  await fillFromLock(cache, join(folder, 'locked'));
  const archives = readdirSync(out).filter((file) => file.endsWith('.tgz'));
  const misses: string[] = [];
  const mirror = await startNpmMirror({
    cache,
    locks: [join(root, 'package-lock.json')],
    archives: await Promise.all(archives.map(async (file) => await archive(join(out, file)))),
    onMiss: (path) => void misses.push(path),
  });
  const home = join(folder, 'home');
  mkdirSync(home);
  const { DAIS_ISOLATION_FOLDER } = environment;
  return {
    folder,
    out,
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
    variables: {
      PATH: `${dirname(process.execPath)}:${environment.PATH ?? ''}`,
      HOME: home,
      NO_COLOR: '1',
      npm_config_registry: mirror.url,
      npm_config_cache: join(folder, 'npm'),
      npm_config_update_notifier: 'false',
      DAIS_KEYS_FOLDER: join(folder, 'keys'),
      // The setup of the tests has installed bubblewrap there.
      ...(DAIS_ISOLATION_FOLDER !== undefined && { DAIS_ISOLATION_FOLDER }),
    },
    misses,
    remove() {
      mirror.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Fills a cache from the lock of the repository. Copies what `npm ci` reads to `folder`, so that the checkout keeps its node_modules. */
export async function fillFromLock(cache: string, folder: string): Promise<void> {
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'package.json'));
  for (const path of ['package.json', 'package-lock.json', '.npmrc', ...packages]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  await fillNpmCache(cache, folder);
  rmSync(folder, { recursive: true });
}

async function archive(file: string) {
  const { output } = await runCommand('tar', ['-xzOf', file, 'package/package.json'], { quiet: true });
  return {
    file,
    integrity: `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`,
    manifest: JSON.parse(output) as { name: string; version: string },
  };
}
