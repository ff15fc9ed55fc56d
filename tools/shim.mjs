#!/usr/bin/env node
/**
 * Builds the programs of native/shim with Go: static and reproducible, once per source, kept outside the repository.
 * `node tools/shim.mjs` writes the shims of all machines into native/shim/built, where a build without Go and without a network finds them.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, runCommand } from './command.mjs';
import { programFolder } from './environment.mjs';
import { goProgram } from './go.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

const FOLDER = join(root, 'native', 'shim');
const BUILT = join(FOLDER, 'built');

/** The names of Go for the machines of Node. */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * Returns the path of the shim for a machine; builds it if necessary.
 * @param {'x64' | 'arm64'} machine as in `process.arch`
 * @returns {Promise<string>}
 * @throws Error with the output of Go, or with what to install
 */
export async function shimProgram(machine) {
  return await builtProgram('shim', '.', machine);
}

/**
 * Returns the path of the test program that the shim can start where there is no other program.
 * @param {'x64' | 'arm64'} machine
 * @returns {Promise<string>}
 */
export async function shimProbe(machine) {
  return await builtProgram('shim-probe', './probe', machine);
}

/**
 * Builds a program into a file. Its bytes depend only on the sources, the version of Go and the machine.
 * @param {string} pkg relative to native/shim
 * @param {'x64' | 'arm64'} machine
 * @param {string} file
 */
export async function buildShim(pkg, machine, file) {
  const go = await goProgram();
  const args = [
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags',
    '-s -w -buildid=',
    '-o',
    file,
    pkg,
  ];
  const env = {
    CGO_ENABLED: '0',
    GOOS: 'linux',
    GOARCH: ARCHITECTURES[machine],
    // The lowest level of each architecture.
    GOAMD64: 'v1',
    GOARM64: 'v8.0',
    GOFLAGS: '',
    GOEXPERIMENT: '',
    GOWORK: 'off',
    GOTOOLCHAIN: toolchain(),
  };
  const { code, output } = await runCommand(go, args, { quiet: true, cwd: FOLDER, env });
  if (code !== 0)
    throw new Error(`native/shim could not be built: go build ended with ${code}:\n${output.slice(-4000)}`);
}

/**
 * @param {string} name
 * @param {string} pkg
 * @param {'x64' | 'arm64'} machine
 */
async function builtProgram(name, pkg, machine) {
  const hash = createHash('sha256').update(readFileSync(join(FOLDER, 'go.mod')));
  for (const file of readdirSync(join(FOLDER, pkg)).toSorted()) {
    if (/\.(go|s)$/.test(file) && !file.endsWith('_test.go'))
      hash.update(`${file}\0`).update(readFileSync(join(FOLDER, pkg, file)));
  }
  const key = `${name}-${machine}-${hash.digest('hex').slice(0, 16)}`;
  const brought = join(BUILT, key);
  if (existsSync(brought)) return brought;
  const program = join(programFolder(), 'shims', key);
  if (existsSync(program)) return program;
  return await withProcessLock(join(programFolder(), 'locks', key), async () => {
    if (existsSync(program)) return program;
    mkdirSync(join(programFolder(), 'shims'), { recursive: true });
    await buildShim(pkg, machine, `${program}.part`);
    renameSync(`${program}.part`, program);
    return program;
  });
}

/** The version of Go in go.mod: other versions write other bytes. Go fetches it where its own is another one. */
function toolchain() {
  const [, version] = /^toolchain (\S+)$/m.exec(readFileSync(join(FOLDER, 'go.mod'), 'utf8')) ?? [];
  if (version === undefined) throw new Error('native/shim/go.mod has no line `toolchain`.');
  return version;
}

/**
 * Copies the shims of all machines, and removes older ones.
 * @param {string} [folder] default: native/shim/built
 */
export async function bringShims(folder = BUILT) {
  const programs = [await shimProgram('x64'), await shimProgram('arm64')];
  mkdirSync(folder, { recursive: true });
  const names = programs.map((path) => basename(path));
  for (const name of readdirSync(folder)) if (!names.includes(name)) rmSync(join(folder, name));
  for (const path of programs) {
    if (path !== join(folder, basename(path))) copyFileSync(path, join(folder, basename(path)));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bringShims();
