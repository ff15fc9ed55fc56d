/** Creates the folder of an attempt with all its files, and publishes it when it is complete. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import type { Boundary } from '#engines/isolation/contract.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';
import type { TaskEnvironment, TaskInput, TaskSpec } from '../contract.ts';
import { maskFile } from './shim/log-masker.ts';
import { exportLines } from './shim/shim.ts';
import type { TaskFolder, TaskRecord } from './task-folder.ts';

export interface StagingPlan {
  readonly order: number;
  /** Defaults that variables of the task override. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that the task cannot override. */
  readonly fixed: Readonly<Record<string, string>>;
  readonly path: string;
  readonly uid: number | undefined;
  /** The boundary of the task. */
  readonly boundary: Boundary;
}

export async function stage(folder: TaskFolder, spec: TaskSpec, plan: StagingPlan): Promise<void> {
  folder.make();
  const budget = new DiskBudget(spec.limits.diskBytes ?? Infinity);
  for (const input of spec.inputs) {
    const path = join(folder.work, input.path);
    if (input.text === undefined) await stageStream(path, input, budget);
    else await stageText(path, input.text, input.executable === true, budget);
  }
  if (plan.uid !== undefined) await folder.giveBoxTo(plan.uid);
  const environment: TaskEnvironment = spec.environment ?? { folders: [], path: [], variables: {} };
  const variables = {
    ...plan.variables,
    PATH: [...environment.path, ...(environment.root === undefined ? [plan.path] : [])].join(':'),
    ...environment.variables,
    ...spec.variables,
    ...spec.secretVariables,
    ...plan.fixed,
  };
  await folder.stage('env', exportLines(variables));
  const forms = maskFile(spec.secretVariables);
  if (forms !== '') await folder.stage('mask', forms);
  const record: TaskRecord = {
    attempt: spec.attempt,
    ...(spec.owner !== undefined && { owner: spec.owner }),
    order: plan.order,
    command: spec.command,
    outputs: spec.outputs,
    resources: spec.resources,
    limits: spec.limits,
    isolation: spec.isolation,
    boundary: plan.boundary,
    network: spec.network,
    environmentFolders: environment.folders,
    ...(environment.root !== undefined && { root: environment.root }),
  };
  folder.reserve();
  await folder.stage('task.json', JSON.stringify(record));
}

async function stageStream(path: string, input: TaskInput, budget: DiskBudget): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const counted = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      budget.take(chunk.length);
      yield chunk;
    }
  };
  await pipeline(await input.open(), counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  if (input.executable === true) await chmod(path, 0o700);
  await syncFile(path);
}

/** Writes a short text synchronously: a stream takes several threads for it. */
async function stageText(path: string, text: string, isExecutable: boolean, budget: DiskBudget): Promise<void> {
  budget.take(Buffer.byteLength(text));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { flag: 'wx', mode: isExecutable ? 0o700 : 0o600 });
  await syncFile(path);
}

/** Counts the bytes of all inputs of a step against its disk limit. */
class DiskBudget {
  readonly #limit: number;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws DaisError `invalid_request` */
  take(bytes: number): void {
    this.#total += bytes;
    if (this.#total <= this.#limit) return;
    throw new DaisError(
      'invalid_request',
      `The inputs of the step are larger than its disk limit of ${byteText(this.#limit)}. Request more with ` +
        '`resources.disk` (`dais run --disk`), or use smaller inputs.',
    );
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Running shims may read it, so it is replaced atomically. */
export async function writeFilter(root: string, filter: Buffer): Promise<void> {
  const fresh = join(root, 'staging', `${stagingFolderName()}.bpf`);
  await writeFile(fresh, filter, { mode: 0o600 });
  await rename(fresh, join(root, 'seccomp.bpf'));
}

let ownIdentity: ProcessIdentity | undefined;

/** Contains the identity of its process, so that leftovers of dead processes are removed. */
export function stagingFolderName(): string {
  ownIdentity ??= processIdentity(process.pid);
  const { pid, startTime } = ownIdentity!;
  return `${pid}.${startTime}.${randomUUID()}`;
}

/** Removes folders that ended processes were creating or removing. */
export async function sweepStaging(folder: string): Promise<void> {
  const self = processIdentity(process.pid)!;
  for (const name of await readdir(folder)) {
    const [pid, startTime = ''] = name.split('.');
    const maker: ProcessIdentity = { ...self, pid: Number(pid), startTime };
    if (checkProcess(maker) === 'gone') await rm(join(folder, name), { recursive: true, force: true });
  }
}
