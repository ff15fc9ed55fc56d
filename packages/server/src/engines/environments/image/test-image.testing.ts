/** Creates an image with a few programs of this machine, without a registry, in a separate podman storage. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import type { Environments } from '../contract.ts';
import { ensureProgram } from '../../../../../../tools/debian-packages.mjs';
import { openPodmanImages, type PodmanOptions } from './podman-images.ts';

const PATH = process.env['PATH'] ?? '';
export const TEST_IMAGE = 'localhost/dais-test:1';

export interface TestImages {
  readonly images: Environments;
  readonly folder: string;
  end(): Promise<void>;
}

interface TestImageOptions {
  readonly outbound?: PodmanOptions['outbound'];
  readonly variables?: Readonly<Record<string, string>>;
}

const CLOSED: PodmanOptions['outbound'] = {
  checkHost: () => Promise.reject(new Error('no registry is called')),
  route: () => Promise.reject(new Error('no registry is called')),
  errorCodeOf: () => undefined,
};

/** `add` adds files to the image. */
export async function startTestImages(
  add: (files: string, folder: string) => Promise<void>,
  { outbound = CLOSED, variables = {} }: TestImageOptions = {},
): Promise<TestImages> {
  await ensureProgram('Tests of images need podman, and it is not on the PATH.', ['podman'], 'podman');
  const folder = await mkdtemp(join(tmpdir(), 'dais-images-'));
  const global = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const files = join(folder, 'files');
  await mkdir(join(files, 'bin'), { recursive: true });
  await add(files, folder);
  const archive = join(folder, 'image.tar');
  await must('tar', ['-C', files, '-cf', archive, '.'], folder);
  const changes = ['ENV=PATH=/bin', 'ENV=COLOR=red'].flatMap((line) => ['--change', line]);
  await must('podman', [...global, 'import', ...changes, archive, TEST_IMAGE], folder);
  const images = openPodmanImages({
    folder: join(folder, 'images'),
    maxBytes: 2 ** 30,
    outbound,
    environment: { PATH, HOME: folder, ...variables },
    now: () => Date.now(),
    log: silentLog,
    global,
  });
  return {
    images,
    folder,
    end: async () => {
      await run('chmod', ['-R', 'u+w', folder], { env: { PATH } });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Programs of this machine with their libraries. */
export async function addPrograms(files: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await copyFile(`/bin/${name}`, join(files, 'bin', name));
    const { stdout } = await run('ldd', [`/bin/${name}`], { env: { PATH } });
    for (const [library] of stdout.toString('utf8').matchAll(/\/\S+\.so\S*/g)) {
      await mkdir(join(files, dirname(library)), { recursive: true });
      await copyFile(library, join(files, library));
    }
  }
}

async function must(program: string, args: readonly string[], home: string): Promise<void> {
  const answer = await run(program, args, { env: { PATH, HOME: home } });
  if (answer.code !== 0) throw new Error(answer.stderr);
}
