/** Definitions of the custom resources that the Helm chart can create, from pinned modules of the Go module proxy. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from '../command.mjs';
import { ensureProgram } from '../debian-packages.mjs';
import { cacheFolder } from '../environment.mjs';
import { withProcessLock } from '../../packages/server/src/lib/system/process-lock.mjs';

const MODULES = [
  {
    module: 'sigs.k8s.io/gateway-api@v1.4.0',
    sum: 'h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=',
    files: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    files: ['servicemonitors', 'prometheusrules'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
];

/**
 * Returns the folder with the definitions. The first call downloads the modules (7 MB) and keeps the definitions only.
 * @throws Error with the output of Go, or with a checksum that is not the pinned one
 */
export async function resourceDefinitions(): Promise<string> {
  const folder = join(cacheFolder(), 'helm', 'definitions-1');
  if (existsSync(folder)) return folder;
  return await withProcessLock(join(cacheFolder(), 'locks', 'helm-definitions'), async () => {
    if (!existsSync(folder)) await install(folder);
    return folder;
  });
}

async function install(folder: string): Promise<void> {
  await ensureProgram('The definitions of custom resources come from Go modules.', ['go'], 'golang-go');
  const part = `${folder}.part`;
  const modules = join(part, 'modules');
  const ready = join(part, 'ready');
  rmSync(part, { recursive: true, force: true });
  mkdirSync(ready, { recursive: true });
  try {
    for (const { module, sum, files } of MODULES) {
      const env = { GOMODCACHE: modules, GOFLAGS: '-modcacherw' };
      const { code, output } = await runCommand('go', ['mod', 'download', '-json', module], {
        quiet: true,
        cwd: part,
        env,
      });
      const problem = `${module} could not be downloaded: go mod download ended with ${code}:\n${output.slice(-2000)}`;
      if (code !== 0) throw new Error(problem);
      const found = JSON.parse(output) as { readonly Dir: string; readonly Sum: string };
      if (found.Sum !== sum) throw new Error(`${module} has the checksum ${found.Sum}, but ${sum} is pinned.`);
      for (const file of files) copyFileSync(join(found.Dir, file), join(ready, basename(file)));
    }
    renameSync(ready, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}
