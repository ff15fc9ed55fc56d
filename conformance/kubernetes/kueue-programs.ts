/** The manager of Kueue and its resource definitions, of the module `sigs.k8s.io/kueue`. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoPrograms, hasGoPrograms, type GoPrograms } from './go-programs.ts';

export const KUEUE_RELEASE = '0.17.0';
/** The folder with its `go.mod` and `go.sum`. */
export const KUEUE_MODULES = fileURLToPath(new URL('kueue', import.meta.url));

const MODULE = 'sigs.k8s.io/kueue';
/** Resource definitions, and the registration of webhooks. */
const MANIFESTS = ['crd/bases', 'webhook/manifests.yaml'];

const PROGRAMS: GoPrograms = {
  name: 'kueue',
  title: `Kueue ${KUEUE_RELEASE}`,
  release: KUEUE_RELEASE,
  modules: KUEUE_MODULES,
  programs: { kueue: `${MODULE}/cmd/kueue` },
  stamps: { [`${MODULE}/pkg/version.GitVersion`]: `v${KUEUE_RELEASE}` },
  packages: 1630,
  keep: (modules, folder) => {
    const components = join(modules, `${MODULE}@v${KUEUE_RELEASE}`, 'config', 'components');
    for (const path of MANIFESTS) cpSync(join(components, path), join(folder, path), { recursive: true });
  },
};

/** Whether it is built, so that a test need not build it. */
export function hasKueue(): boolean {
  return hasGoPrograms(PROGRAMS);
}

/**
 * Returns the folder with the program `kueue`, `crd/bases` and `webhook/manifests.yaml`. The first call builds it, which takes minutes, and prints its
 * progress.
 * @throws Error with the output of Go, with what to install, or with a file whose checksum has changed
 */
export async function kueuePrograms(): Promise<string> {
  return await buildGoPrograms(PROGRAMS);
}
