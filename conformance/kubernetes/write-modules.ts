/**
 * Writes `go.mod` and `go.sum` of a version: npx tsx conformance/kubernetes/write-modules.ts 1.35. k8s.io/kubernetes requires its parts as
 * v0.0.0, which no proxy serves: each is replaced by its published version, which has the minor and patch number of Kubernetes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../tools/command.mjs';
import { goProgram } from '../../tools/go.mjs';
import { modulesOf, VERSIONS, type KubernetesVersion } from './programs.ts';

const version = process.argv[2] ?? '';
if (!(version in VERSIONS)) {
  throw new Error(`usage: npx tsx conformance/kubernetes/write-modules.ts ${Object.keys(VERSIONS).join('|')}`);
}
const release = VERSIONS[version as KubernetesVersion];
const folder = modulesOf(version as KubernetesVersion);
mkdirSync(folder, { recursive: true });

const { Error: problem, GoMod } = JSON.parse(await go('mod', 'download', '-json', `k8s.io/kubernetes@v${release}`)) as {
  Error?: string;
  GoMod: string;
};
if (problem !== undefined) throw new Error(problem);
const published = readFileSync(GoMod, 'utf8');
// Only lines that end exactly so: k8s.io/utils and others have versions that begin like this.
const parts = [...published.matchAll(/^\s*(k8s\.io\/[a-z-]+) v0\.0\.0$/gm)].map(([, name]) => name);
const [, minor, patch] = release.split('.');
const commands = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'];
writeFileSync(
  join(folder, 'go.mod'),
  `module dais.dev/kubernetes

go ${/^go (\S+)$/m.exec(published)?.[1]}

require k8s.io/kubernetes v${release}

tool (
${commands.map((name) => `\tk8s.io/kubernetes/cmd/${name}\n`).join('')})

replace (
${[...new Set(parts)].map((name) => `\t${name} => ${name} v0.${minor}.${patch}\n`).join('')})
`,
);
await go('mod', 'tidy');
process.stdout.write(`${folder}: ${parts.length} replaced modules\n`);

async function go(...args: readonly string[]): Promise<string> {
  const env = { GOTOOLCHAIN: 'auto', GOFLAGS: '-modcacherw' };
  const { code, output } = await runCommand(await goProgram(), args, { quiet: true, cwd: folder, env });
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}
