/**
 * The programs of Kubernetes, built from the modules of the Go module proxy: no index publishes an API server as a program. `go.mod` and `go.sum` of
 * a version pin all modules with their checksums. Only the programs are kept, outside the repository.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../tools/command.mjs';
import { cacheFolder } from '../../tools/environment.mjs';
import { goProgram } from '../../tools/go.mjs';
import { withProcessLock } from '../../packages/server/src/lib/system/process-lock.mjs';

/** The minor versions that the project tests, with their releases. */
export const VERSIONS = { '1.35': '1.35.4', '1.36': '1.36.3' } as const;
export type KubernetesVersion = keyof typeof VERSIONS;
export const DEFAULT_VERSION: KubernetesVersion = '1.35';

/** In the order of the build: the first one compiles most of what all share. */
const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'] as const;

const VERSION_PACKAGE = 'k8s.io/component-base/version';
/** Written last: a folder without it is what a killed build left. */
const SUMS = 'SHA256SUMS';
/** Packages that the compiler reports for all programs, for progress. */
const PACKAGES = 2300;
const REPORT_MS = 15_000;

/** Whether the programs are built, so that a test need not build them. */
export function hasPrograms(version: KubernetesVersion = DEFAULT_VERSION): boolean {
  return existsSync(join(folderOf(version), SUMS));
}

/**
 * Returns the folder with the programs. The first call builds them, about 10 minutes, and prints its progress.
 * @throws Error with the output of Go, with what to install, or with a program whose checksum has changed
 */
export async function kubernetesPrograms(version: KubernetesVersion = DEFAULT_VERSION): Promise<string> {
  const folder = folderOf(version);
  if (!hasPrograms(version)) {
    await withProcessLock(join(cacheFolder(), 'locks', `kubernetes-${version}`), async () => {
      if (!hasPrograms(version)) await build(version, folder);
    });
  }
  await verify(folder);
  return folder;
}

/** The folder with `go.mod` and `go.sum` of a version. */
export function modulesOf(version: KubernetesVersion): string {
  return fileURLToPath(new URL(`v${version}`, import.meta.url));
}

function folderOf(version: KubernetesVersion): string {
  const hash = createHash('sha256').update(process.arch);
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modulesOf(version), file)));
  return join(cacheFolder(), 'kubernetes', `${VERSIONS[version]}-${hash.digest('hex').slice(0, 16)}`);
}

async function build(version: KubernetesVersion, folder: string): Promise<void> {
  const release = VERSIONS[version];
  const go = await goProgram();
  const part = `${folder}.part`;
  const work = `${folder}.build`;
  for (const path of [folder, part, work]) rmSync(path, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const [major, minor] = release.split('.');
  const facts = {
    gitVersion: `v${release}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: 'module',
  };
  const stamps = Object.entries({ ...facts, buildDate: '1970-01-01T00:00:00Z' });
  const flags = ['-s', '-w', ...stamps.map(([name, value]) => `-X ${VERSION_PACKAGE}.${name}=${value}`)].join(' ');
  const env = {
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'auto',
    GOFLAGS: '-modcacherw -buildvcs=false',
    GOMODCACHE: join(work, 'modules'),
    GOCACHE: join(work, 'compiled'),
  };
  const progress = new BuildProgress(release);
  try {
    for (const program of PROGRAMS) {
      progress.begin(program);
      const target = join(part, program);
      const args = ['build', '-v', '-mod=readonly', '-trimpath', '-ldflags', flags, '-o', target];
      const { code, output } = await runCommand(go, [...args, `k8s.io/kubernetes/cmd/${program}`], {
        quiet: true,
        cwd: modulesOf(version),
        env,
        onOutput: (text) => progress.read(text),
      });
      if (code !== 0) {
        throw new Error(
          `Kubernetes ${release} could not be built: go build ${program} ended with ${code}:\n${output.slice(-4000)}`,
        );
      }
    }
    const sums = await Promise.all(PROGRAMS.map(async (name) => `${await digestOf(join(part, name))}  ${name}\n`));
    writeFileSync(join(part, SUMS), sums.join(''));
    renameSync(part, folder);
  } finally {
    progress.end();
    for (const path of [part, work]) rmSync(path, { recursive: true, force: true });
  }
}

/** Compares the programs with the checksums of the end of the build. */
async function verify(folder: string): Promise<void> {
  const lines = readFileSync(join(folder, SUMS), 'utf8').trimEnd().split('\n');
  await Promise.all(
    lines.map(async (line) => {
      const [sum, name = ''] = line.split('  ');
      const path = join(folder, name);
      if (existsSync(path) && (await digestOf(path)) === sum) return;
      throw new Error(
        `${path} is not the program that was built. Remove the folder ${folder}; the next run builds it.`,
      );
    }),
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** Prints how far a build is, every 15 s and with each program. */
class BuildProgress {
  readonly #release: string;
  readonly #startedAt = performance.now();
  #program = '';
  #packages = 0;
  #modules = 0;
  readonly #timer = setInterval(() => this.#print(), REPORT_MS);

  constructor(release: string) {
    this.#release = release;
  }

  begin(program: string): void {
    this.#program = program;
    this.#print();
  }

  read(text: string): void {
    for (const line of text.split('\n')) {
      if (line.startsWith('go: downloading')) this.#modules += 1;
      else if (line !== '') this.#packages += 1;
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #print(): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const done = `${this.#modules} modules downloaded, ${this.#packages} of about ${PACKAGES} packages compiled`;
    process.stderr.write(`Kubernetes ${this.#release}: ${this.#program}; ${done}; ${seconds} s\n`);
  }
}
