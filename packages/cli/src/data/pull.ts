/** `dais data pull`: the files of a version, each once. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { countNoun, type DaisClient, DaisError } from '@dais/api';
import {
  exportDatasetVersionOperation,
  readDatasetFileOperation,
  readDatasetVersionOperation,
  type DatasetVersion,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText } from '#output/amounts.ts';
import { barText } from '#output/progress-bar.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { fileDigest } from './local-files.ts';
import { readReference } from './reference.ts';

const DOWNLOADS = 4;
const OURS = /^part-\d{5}\.parquet$/;

interface PullOptions {
  readonly format?: 'parquet' | 'csv';
  readonly force?: true;
}

export const pull: Run<PullOptions> = async (context, [reference = '', into], { format, force }) => {
  const { name, version: which } = readReference(reference);
  const client = await context.connect();
  const version = await client.perform(readDatasetVersionOperation, { name, version: which });
  if (version.state !== 'ready') remark(context, `warning: ${name}@${version.number} is ${version.state}.`);
  const folder = resolve(context.workingFolder, into ?? name);
  await mkdir(folder, { recursive: true });
  const pulled =
    format === undefined
      ? await pullFiles(context, client, version, { folder, force: force === true })
      : await pullOne(context, client, version, { folder, format });
  const summary = { dataset: name, version: version.number, digest: version.digest, folder, ...pulled };
  if (context.globals.output === 'name') context.terminal.out(`${folder}\n`);
  else if (!(await printedForPrograms(context, summary))) {
    const { files, bytes, kept } = pulled;
    const there = kept === 0 ? '' : `, ${countNoun(kept, 'file')} already present`;
    const of = `${name}@${version.number}`;
    context.terminal.out(`${of}: ${countNoun(files, 'file')}, ${bytesText(bytes)}${there}, in ${folder}\n`);
  }
  return exitCodes.ok.code;
};

interface Pulled {
  readonly files: number;
  readonly bytes: number;
  readonly kept: number;
}

async function pullFiles(
  context: Context,
  client: DaisClient,
  version: DatasetVersion,
  { folder, force }: { readonly folder: string; readonly force: boolean },
): Promise<Pulled> {
  const named = new Set(version.files.map((file) => file.name));
  const others = (await readdir(folder)).filter((name) => OURS.test(name) && !named.has(name));
  if (others.length > 0) {
    if (!force) {
      const detail = `${folder} contains ${countNoun(others.length, 'file')} of another version (${others[0] ?? ''}). Pull into another folder, or add --force.`;
      throw new DaisError('invalid_request', detail);
    }
    for (const name of others) await rm(join(folder, name));
  }
  const from = context.now();
  const left = [...version.files];
  let [files, bytes, kept] = [0, 0, 0];
  const lane = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const path = join(folder, file.name);
      const there = await stat(path).catch(() => undefined);
      if (there?.size === file.bytes && (await fileDigest(path)) === file.digest) {
        kept += 1;
        continue;
      }
      const input = { name: version.dataset, version: String(version.number), file: file.name };
      await fetchTo(
        context,
        path,
        async () => await client.download(readDatasetFileOperation, input, { signal: context.signal }),
      );
      if ((await fileDigest(`${path}.part`)) !== file.digest) {
        await rm(`${path}.part`);
        throw new DaisError('digest_mismatch', `The digest of ${file.name} does not match the version. Pull again.`);
      }
      await rename(`${path}.part`, path);
      files += 1;
      bytes += file.bytes;
      const elapsedMs = context.now() - from;
      context.terminal.progress(
        barText({ what: 'files', done: files + kept, total: version.files.length, bytes, elapsedMs }),
      );
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: DOWNLOADS }, lane));
  context.terminal.progress('');
  const failed = lanes.find((one) => one.status === 'rejected')?.reason as unknown;
  if (failed instanceof DaisError && failed.code === 'forbidden') {
    remark(context, `${failed.message.split('.')[0] ?? ''}. Creating a masked copy.`);
    return await pullOne(context, client, version, { folder, format: 'parquet' });
  }
  if (failed !== undefined) throw failed;
  return { files, bytes, kept };
}

async function pullOne(
  context: Context,
  client: DaisClient,
  version: DatasetVersion,
  { folder, format }: { readonly folder: string; readonly format: 'parquet' | 'csv' },
): Promise<Pulled> {
  const path = join(folder, `${version.dataset}.${format}`);
  const input = { name: version.dataset, version: String(version.number), format };
  context.terminal.progress('Merging into one file …');
  const signal = { signal: context.signal };
  await fetchTo(context, path, async () => await client.download(exportDatasetVersionOperation, input, signal));
  await rename(`${path}.part`, path);
  context.terminal.progress('');
  return { files: 1, bytes: (await stat(path)).size, kept: 0 };
}

async function fetchTo(
  context: Context,
  path: string,
  open: () => Promise<{ readonly bytes: ReadableStream<Uint8Array> }>,
): Promise<void> {
  const { bytes } = await open();
  try {
    await pipeline(Readable.fromWeb(bytes as never), createWriteStream(`${path}.part`), { signal: context.signal });
  } catch (error) {
    await rm(`${path}.part`, { force: true });
    throw error;
  }
}
