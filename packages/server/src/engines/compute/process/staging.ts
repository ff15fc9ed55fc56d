/** Makes the folder of an attempt with all that it needs, out of sight until it is whole. */
import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Boundary } from '#engines/isolation/contract.ts';
import type { TaskEnvironment, TaskSpec } from '../contract.ts';
import { exportLines } from './shim.ts';
import type { TaskFolder, TaskRecord } from './task-folder.ts';

export interface StagingPlan {
  readonly order: number;
  /** Before those that the task asks for. */
  readonly variables: Readonly<Record<string, string>>;
  /** After them: what it cannot change. */
  readonly fixed: Readonly<Record<string, string>>;
  readonly path: string;
  readonly uid: number | undefined;
  /** What confines it. */
  readonly boundary: Boundary;
}

export async function stage(folder: TaskFolder, spec: TaskSpec, plan: StagingPlan): Promise<void> {
  folder.make();
  for (const input of spec.inputs) {
    const place = join(folder.work, input.path);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await pipeline(await input.open(), createWriteStream(place, { flags: 'wx', mode: 0o600 }));
    if (input.executable === true) await chmod(place, 0o700);
    await syncFile(place);
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
  const record: TaskRecord = {
    attempt: spec.attempt,
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

async function syncFile(place: string): Promise<void> {
  const file = await open(place);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Bytes that a folder takes on the disk. What is a link is counted as itself. */
export async function diskUsage(place: string): Promise<number> {
  let total = 0;
  const folders = [place];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      total += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * 512;
    }
  }
  return total;
}
