/** The model of a job: looked at, brought here, loaded in a process of its own. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import type { JobIo } from '#kernel/job-runner.ts';
import { bringModel, safetyOf, type ModelRow } from '#ledgers/serving/index.ts';
import type { ExplainableModel, HostedModel, HostModel } from './hosted-model.ts';
import type { ModelJobsParts } from './model-jobs-parts.ts';

const LOOK_MS = 300;
/** A scan of a new version takes seconds; one that does not come is told. */
const LONGEST_SCAN_MS = 600_000;

export type OpenIo = Pick<JobIo, 'signal' | 'read'> & { readonly note: (text: string) => void };

export interface OpenedFiles {
  readonly place: string;
  /** The folder of the interpreter, of a model that needs Python. */
  readonly environment: string | undefined;
  readonly trust: 'trusted' | 'untrusted';
}

/**
 * Does `work` with its files, in an environment with `more` packages, as soon as they may be loaded.
 * @throws DaisError `invalid_state` for one that must not be.
 */
export async function withFiles<T>(
  parts: ModelJobsParts,
  row: ModelRow,
  { folder, io, more }: { readonly folder: string; readonly io: OpenIo; readonly more?: readonly string[] },
  work: (opened: OpenedFiles) => Promise<T>,
): Promise<T> {
  const may = await permitted(parts, row, io);
  const place = join(folder, 'model');
  const { environment, held } = await bringModel(parts, place, row, io.note, more);
  try {
    // Operators of ONNX run in a process all the same: this one is the control plane's.
    return await work({
      place,
      environment,
      trust: may === 'anywhere' && row.described.python !== null ? 'trusted' : 'untrusted',
    });
  } finally {
    await held?.release();
  }
}

/**
 * Does `work` with it. `folder` is the caller's, and takes the files.
 * @throws DaisError `invalid_state` for one that must not be loaded, `invalid_request` for one that cannot be.
 */
export async function withModel<T>(
  parts: ModelJobsParts,
  row: ModelRow,
  folder: string,
  io: OpenIo,
  work: (model: HostedModel) => Promise<T>,
): Promise<T> {
  return await withHosted(parts, row, { folder, io, host: parts.host }, work);
}

/** The same of one that is explained. */
export async function withExplainable<T>(
  parts: ModelJobsParts,
  row: ModelRow,
  folder: string,
  io: OpenIo,
  work: (model: ExplainableModel) => Promise<T>,
): Promise<T> {
  return await withHosted(parts, row, { folder, io, host: parts.hostExplainable }, work);
}

async function withHosted<Model extends { close(): Promise<void> }, T>(
  parts: ModelJobsParts,
  row: ModelRow,
  { folder, io, host }: { readonly folder: string; readonly io: OpenIo; readonly host: HostModel<Model> },
  work: (model: Model) => Promise<T>,
): Promise<T> {
  return await withFiles(parts, row, { folder, io }, async ({ place, environment, trust }) => {
    const { signature } = row.described;
    const model = await host({ label: row.label, folder: place, environment, signature, trust }, io.note);
    try {
      return await work(model);
    } finally {
      await model.close();
    }
  });
}

async function permitted({ clock }: ModelJobsParts, row: ModelRow, io: OpenIo): Promise<'anywhere' | 'isolated'> {
  const until = clock.now() + LONGEST_SCAN_MS;
  for (;;) {
    const { may, reason = '' } = await io.read(async (tx) => await safetyOf(tx, row));
    if (may === 'anywhere' || may === 'isolated') return may;
    if (may === 'never') throw new DaisError('invalid_state', `${row.label} cannot be loaded: ${reason}`);
    if (clock.now() > until) throw new DaisError('invalid_state', `${row.label} is not scanned yet: ${reason}`);
    io.note(reason);
    await sleep(LOOK_MS, undefined, { signal: io.signal });
  }
}
