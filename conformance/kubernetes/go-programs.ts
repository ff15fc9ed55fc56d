/**
 * Programs built from the modules of the Go module proxy, for what no index publishes as a program. A folder with `go.mod` and `go.sum` pins all modules
 * with their checksums. Only the programs and the files that belong to them are kept, outside the repository.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from '../../tools/command.mjs';
import { cacheFolder } from '../../tools/environment.mjs';
import { goProgram } from '../../tools/go.mjs';
import { withProcessLock } from '../../packages/server/src/lib/system/process-lock.mjs';

export interface GoPrograms {
  /** Folder of the cache: `kubernetes`. */
  readonly name: string;
  /** For people: `Kubernetes 1.35.4`. */
  readonly title: string;
  readonly release: string;
  /** The folder with `go.mod` and `go.sum`. */
  readonly modules: string;
  /** Packages by the name of their program, in the order of the build: the first one compiles most of what all share. */
  readonly programs: Readonly<Record<string, string>>;
  /** Values of variables of the programs, such as their version. */
  readonly stamps: Readonly<Record<string, string>>;
  /** Packages that the compiler reports for all programs, for progress. */
  readonly packages: number;
  /** Copies what is kept with the programs from the cache of modules into `folder`. */
  readonly keep?: (modules: string, folder: string) => void;
}

/** Written last: a folder without it is what a killed build left. */
const SUMS = 'SHA256SUMS';
const REPORT_MS = 15_000;

/** Whether the programs are built, so that a test need not build them. */
export function hasGoPrograms(set: GoPrograms): boolean {
  return existsSync(join(folderOf(set), SUMS));
}

/**
 * Returns the folder with the programs. The first call builds them and prints its progress.
 * @throws Error with the output of Go, with what to install, or with a file whose checksum has changed
 */
export async function buildGoPrograms(set: GoPrograms): Promise<string> {
  const folder = folderOf(set);
  if (!hasGoPrograms(set)) {
    const [, minor = ''] = /^(\d+\.\d+)/.exec(set.release) ?? [];
    await withProcessLock(join(cacheFolder(), 'locks', `${set.name}-${minor}`), async () => {
      if (!hasGoPrograms(set)) await build(set, folder);
    });
  }
  await verify(folder);
  return folder;
}

function folderOf({ name, release, modules }: GoPrograms): string {
  const hash = createHash('sha256').update(process.arch);
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modules, file)));
  return join(cacheFolder(), name, `${release}-${hash.digest('hex').slice(0, 16)}`);
}

async function build(set: GoPrograms, folder: string): Promise<void> {
  const { title, modules, programs, stamps, keep } = set;
  const go = await goProgram();
  const part = `${folder}.part`;
  const work = `${folder}.build`;
  for (const path of [folder, part, work]) rmSync(path, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const flags = ['-s', '-w', ...Object.entries(stamps).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
  const env = {
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'auto',
    GOFLAGS: '-modcacherw -buildvcs=false',
    GOMODCACHE: join(work, 'modules'),
    GOCACHE: join(work, 'compiled'),
  };
  const progress = new BuildProgress(set);
  try {
    for (const [program, name] of Object.entries(programs)) {
      progress.begin(program);
      const target = join(part, program);
      const args = ['build', '-v', '-mod=readonly', '-trimpath', '-ldflags', flags, '-o', target, name];
      const { code, output } = await runCommand(go, args, {
        quiet: true,
        cwd: modules,
        env,
        onOutput: (text) => progress.read(text),
      });
      if (code !== 0) {
        throw new Error(`${title} could not be built: go build ${program} ended with ${code}:\n${output.slice(-4000)}`);
      }
    }
    keep?.(env.GOMODCACHE, part);
    const files = readdirSync(part, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const sums = await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        return `${await digestOf(path)}  ${relative(part, path)}\n`;
      }),
    );
    writeFileSync(join(part, SUMS), sums.join(''));
    renameSync(part, folder);
  } finally {
    progress.end();
    for (const path of [part, work]) rmSync(path, { recursive: true, force: true });
  }
}

/** Compares the files with the checksums of the end of the build. */
async function verify(folder: string): Promise<void> {
  const lines = readFileSync(join(folder, SUMS), 'utf8').trimEnd().split('\n');
  await Promise.all(
    lines.map(async (line) => {
      const [sum, name = ''] = line.split('  ');
      const path = join(folder, name);
      if (existsSync(path) && (await digestOf(path)) === sum) return;
      throw new Error(`${path} is not what was built. Remove the folder ${folder}; the next run builds it.`);
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
  readonly #set: Pick<GoPrograms, 'title' | 'packages'>;
  readonly #startedAt = performance.now();
  #program = '';
  #packages = 0;
  #modules = 0;
  readonly #timer = setInterval(() => this.#print(), REPORT_MS);

  constructor(set: Pick<GoPrograms, 'title' | 'packages'>) {
    this.#set = set;
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
    const { title, packages } = this.#set;
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const done = `${this.#modules} modules downloaded, ${this.#packages} of about ${packages} packages compiled`;
    process.stderr.write(`${title}: ${this.#program}; ${done}; ${seconds} s\n`);
  }
}
