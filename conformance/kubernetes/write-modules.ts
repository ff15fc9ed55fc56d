/**
 * Writes `go.mod` and `go.sum` of a version of Kubernetes, or of Kueue: npx tsx conformance/kubernetes/write-modules.ts 1.35. k8s.io/kubernetes requires
 * its parts as v0.0.0, which no proxy serves: each is replaced by its published version, which has the minor and patch number of Kubernetes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../tools/command.mjs';
import { goProgram } from '../../tools/go.mjs';
import { KUEUE_MODULES, KUEUE_RELEASE } from './kueue-programs.ts';
import { modulesOf, VERSIONS, type KubernetesVersion } from './programs.ts';

const version = process.argv[2] ?? '';
if (version === 'kueue') {
  await writeModules(KUEUE_MODULES, {
    module: 'sigs.k8s.io/kueue',
    release: KUEUE_RELEASE,
    commands: ['sigs.k8s.io/kueue/cmd/kueue'],
  });
} else if (version in VERSIONS) {
  const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'];
  await writeModules(modulesOf(version as KubernetesVersion), {
    module: 'k8s.io/kubernetes',
    release: VERSIONS[version as KubernetesVersion],
    commands: names.map((name) => `k8s.io/kubernetes/cmd/${name}`),
  });
} else {
  const versions = [...Object.keys(VERSIONS), 'kueue'].join('|');
  throw new Error(`usage: npx tsx conformance/kubernetes/write-modules.ts ${versions}`);
}

interface Source {
  readonly module: string;
  readonly release: string;
  /** Packages of the programs. */
  readonly commands: readonly string[];
}

async function writeModules(folder: string, { module, release, commands }: Source): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { Error: problem, GoMod } = JSON.parse(
    await go(folder, 'mod', 'download', '-json', `${module}@v${release}`),
  ) as { Error?: string; GoMod: string };
  if (problem !== undefined) throw new Error(problem);
  const published = readFileSync(GoMod, 'utf8');
  // Only lines that end exactly so: k8s.io/utils and others have versions that begin like this.
  const parts = [...published.matchAll(/^\s*(k8s\.io\/[a-z-]+) v0\.0\.0$/gm)].map(([, name]) => name);
  const [, minor, patch] = release.split('.');
  const replaced = [...new Set(parts)].map((name) => `\t${name} => ${name} v0.${minor}.${patch}\n`).join('');
  writeFileSync(
    join(folder, 'go.mod'),
    `module dais.dev/${module.split('/').at(-1)}

go ${/^go (\S+)$/m.exec(published)?.[1]}

require ${module} v${release}

tool (
${commands.map((name) => `\t${name}\n`).join('')})
${replaced === '' ? '' : `\nreplace (\n${replaced})\n`}`,
  );
  await go(folder, 'mod', 'tidy');
  process.stdout.write(`${folder}: ${parts.length} replaced modules\n`);
}

async function go(folder: string, ...args: readonly string[]): Promise<string> {
  const env = { GOTOOLCHAIN: 'auto', GOFLAGS: '-modcacherw' };
  const { code, output } = await runCommand(await goProgram(), args, { quiet: true, cwd: folder, env });
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}
