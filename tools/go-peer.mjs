/** Peers in Go for conformance tests: built once from a `go.mod` with checksums of all modules, kept outside the repository. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { ensureProgram } from './debian-packages.mjs';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

/**
 * Returns the path of a program that Go builds from the modules of `go.mod`. `go.sum` contains a checksum of each.
 * @param {string} pkg the package of the program; its last part names the program
 * @param {string} folder has a go.mod and a go.sum
 * @returns {Promise<string>}
 * @throws Error with the output of Go, or with what to install
 */
export async function goPeer(pkg, folder) {
  const hash = createHash('sha256').update(pkg);
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(folder, file)));
  const name = pkg.split('/').at(-1) ?? pkg;
  const key = `${name}-${hash.digest('hex').slice(0, 16)}`;
  const program = join(cacheFolder(), 'go-peers', key);
  if (existsSync(program)) return program;
  return await withProcessLock(join(cacheFolder(), 'locks', `go-peer-${key}`), async () => {
    if (existsSync(program)) return program;
    await ensureProgram(`The peer "${name}" is built with Go.`, ['go'], 'golang-go');
    mkdirSync(join(cacheFolder(), 'go-peers'), { recursive: true });
    const args = ['build', '-mod=readonly', '-trimpath', '-o', `${program}.part`, pkg];
    // Go fetches the version of go.mod where its own is older; Debian's does not by default.
    const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'auto' };
    const { code, output } = await runCommand('go', args, { quiet: true, cwd: folder, env });
    if (code !== 0)
      throw new Error(`the peer "${pkg}" could not be built: go build ended with ${code}:\n${output.slice(-4000)}`);
    renameSync(`${program}.part`, program);
    return program;
  });
}
