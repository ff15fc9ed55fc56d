/** A JVM and libraries from Maven, for peers that are written in Java. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { installDebian } from './debian-packages.mjs';
import { cacheFolder } from './environment.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

/** 17 is what Debian 12 has; from 11 on `java` runs a source file as it is. */
const PACKAGES = ['openjdk-17-jdk-headless', 'maven'];
const GET = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get';

/**
 * Ensures that `java`, with its compiler, and `mvn` are present; installs Debian's when they are missing and the user
 * has permission.
 * @throws Error with what to install
 */
export async function ensureJava() {
  if (await isThere()) return;
  const missing = 'Peers in Java need a JDK of 11 or newer and Maven, and they are not on the PATH.';
  await installDebian(missing, PACKAGES);
  if (!(await isThere())) throw new Error(`${missing} apt-get installed none either.`);
}

async function isThere() {
  const java = await runCommand('java', ['--list-modules'], { quiet: true });
  const maven = await runCommand('mvn', ['--version'], { quiet: true });
  return java.code === 0 && java.output.includes('jdk.compiler@') && maven.code === 0;
}

/**
 * @typedef {object} JavaLibrary
 * @property {string} artifact GROUP:NAME:VERSION
 * @property {string} sha256 of its jar
 */

/**
 * The paths of jars, downloaded by Maven once and stored in the cache folder. Their dependencies must be listed too.
 * @param {readonly JavaLibrary[]} libraries
 * @returns {Promise<string[]>}
 * @throws Error with the output of Maven, or when a jar differs from the pinned one
 */
export async function javaLibraries(libraries) {
  const paths = [];
  for (const library of libraries) paths.push(await javaLibrary(library));
  return paths;
}

/** @param {JavaLibrary} library */
async function javaLibrary({ artifact, sha256 }) {
  const [group = '', name = '', version = ''] = artifact.split(':');
  const folder = join(cacheFolder(), 'maven');
  const path = join(folder, `${name}-${version}-${sha256.slice(0, 16)}.jar`);
  if (existsSync(path)) return path;
  return await withProcessLock(join(cacheFolder(), 'locks', 'maven'), async () => {
    if (existsSync(path)) return path;
    const repository = join(folder, 'repository');
    mkdirSync(repository, { recursive: true });
    const words = ['-q', '-B', `-Dmaven.repo.local=${repository}`, GET, `-Dartifact=${artifact}`, '-Dtransitive=false'];
    const { code, output } = await runCommand('mvn', words, { quiet: true, cwd: folder });
    if (code !== 0) throw new Error(`Maven could not bring ${artifact}:\n${output.slice(-2000)}`);
    const jar = join(repository, ...group.split('.'), name, version, `${name}-${version}.jar`);
    const digest = createHash('sha256').update(readFileSync(jar)).digest('hex');
    if (digest !== sha256) throw new Error(`${artifact} has SHA-256 ${digest}, but ${sha256} is pinned`);
    copyFileSync(jar, `${path}.part`);
    renameSync(`${path}.part`, path);
    return path;
  });
}
