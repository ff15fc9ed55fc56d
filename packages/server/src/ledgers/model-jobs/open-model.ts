/** Prepares the model of a job: waits for its scan, fetches it, loads it in a process of its own. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import type { JobIo } from '#kernel/job-runner.ts';
import { fetchModel, safetyOf, type ModelRow } from '#ledgers/serving/index.ts';
import type { ExplainableModel, HostedModel, HostModel } from './hosted-model.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

const POLL_MS = 300;
/** Time limit for the scan of a new version, which takes seconds. */
const LONGEST_SCAN_MS = 600_000;

export type OpenIo = Pick<JobIo, 'signal' | 'read'> & { readonly note: (text: string) => void };

export interface OpenedFiles {
  readonly place: string;
  /** The folder of the interpreter, for a model that needs Python. */
  readonly environment: string | undefined;
  readonly trust: 'trusted' | 'untrusted';
}

/**
 * Runs `work` with the files of the model, in an environment with `more` packages, as soon as the model may be loaded.
 * @throws DaisError `invalid_state` for a model that may not.
 */
export async function withFiles<T>(
  dependencies: ModelJobsDependencies,
  row: ModelRow,
  { folder, io, more }: { readonly folder: string; readonly io: OpenIo; readonly more?: readonly string[] },
  work: (opened: OpenedFiles) => Promise<T>,
): Promise<T> {
  const may = await permitted(dependencies, row, io);
  const path = join(folder, 'model');
  const { environment, held } = await fetchModel(dependencies, path, row, io.note, more);
  try {
    // ONNX models also run in a process of their own, because this process is the control plane.
    return await work({
      place: path,
      environment,
      trust: may === 'anywhere' && row.description.python !== null ? 'trusted' : 'untrusted',
    });
  } finally {
    await held?.release();
  }
}

/**
 * Runs `work` with the loaded model. `folder` belongs to the caller and receives the files.
 * @throws DaisError `invalid_state` for a model that may not be loaded, `invalid_request` for one that cannot be.
 */
export async function withModel<T>(
  dependencies: ModelJobsDependencies,
  row: ModelRow,
  folder: string,
  io: OpenIo,
  work: (model: HostedModel) => Promise<T>,
): Promise<T> {
  return await withHosted(dependencies, row, { folder, io, host: dependencies.host }, work);
}

/** The same for a model that can be explained. */
export async function withExplainable<T>(
  dependencies: ModelJobsDependencies,
  row: ModelRow,
  folder: string,
  io: OpenIo,
  work: (model: ExplainableModel) => Promise<T>,
): Promise<T> {
  return await withHosted(dependencies, row, { folder, io, host: dependencies.hostExplainable }, work);
}

async function withHosted<Model extends { close(): Promise<void> }, T>(
  dependencies: ModelJobsDependencies,
  row: ModelRow,
  { folder, io, host }: { readonly folder: string; readonly io: OpenIo; readonly host: HostModel<Model> },
  work: (model: Model) => Promise<T>,
): Promise<T> {
  return await withFiles(dependencies, row, { folder, io }, async ({ place, environment, trust }) => {
    const { signature } = row.description;
    const model = await host({ label: row.label, folder: place, environment, signature, trust }, io.note);
    try {
      return await work(model);
    } finally {
      await model.close();
    }
  });
}

async function permitted(
  { clock }: ModelJobsDependencies,
  row: ModelRow,
  io: OpenIo,
): Promise<'anywhere' | 'isolated'> {
  const until = clock.now() + LONGEST_SCAN_MS;
  for (;;) {
    const { may, reason = '' } = await io.read(async (tx) => await safetyOf(tx, row));
    if (may === 'anywhere' || may === 'isolated') return may;
    if (may === 'never') throw new DaisError('invalid_state', `${row.label} cannot be loaded: ${reason}`);
    if (clock.now() > until) throw new DaisError('invalid_state', `${row.label} is not scanned yet: ${reason}`);
    io.note(reason);
    await sleep(POLL_MS, undefined, { signal: io.signal });
  }
}
