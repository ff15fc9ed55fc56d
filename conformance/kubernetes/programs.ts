/** The programs of Kubernetes, of the module `k8s.io/kubernetes`: no index publishes an API server as a program. */
import { fileURLToPath } from 'node:url';
import { buildGoPrograms, hasGoPrograms, type GoPrograms } from './go-programs.ts';

/** The minor versions that the project tests, with their releases. */
export const VERSIONS = { '1.35': '1.35.4', '1.36': '1.36.3' } as const;
export type KubernetesVersion = keyof typeof VERSIONS;
export const DEFAULT_VERSION: KubernetesVersion = '1.35';

const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'] as const;
const VERSION_PACKAGE = 'k8s.io/component-base/version';

/** Whether the programs are built, so that a test need not build them. */
export function hasPrograms(version: KubernetesVersion = DEFAULT_VERSION): boolean {
  return hasGoPrograms(programsOf(version));
}

/**
 * Returns the folder with the programs. The first call builds them, about 10 minutes, and prints its progress.
 * @throws Error with the output of Go, with what to install, or with a program whose checksum has changed
 */
export async function kubernetesPrograms(version: KubernetesVersion = DEFAULT_VERSION): Promise<string> {
  return await buildGoPrograms(programsOf(version));
}

/** The folder with `go.mod` and `go.sum` of a version. */
export function modulesOf(version: KubernetesVersion): string {
  return fileURLToPath(new URL(`v${version}`, import.meta.url));
}

function programsOf(version: KubernetesVersion): GoPrograms {
  const release = VERSIONS[version];
  const [major = '', minor = ''] = release.split('.');
  const facts = {
    gitVersion: `v${release}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: 'module',
    buildDate: '1970-01-01T00:00:00Z',
  };
  return {
    name: 'kubernetes',
    title: `Kubernetes ${release}`,
    release,
    modules: modulesOf(version),
    programs: Object.fromEntries(PROGRAMS.map((program) => [program, `k8s.io/kubernetes/cmd/${program}`])),
    stamps: Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${VERSION_PACKAGE}.${name}`, value])),
    packages: 2300,
  };
}
