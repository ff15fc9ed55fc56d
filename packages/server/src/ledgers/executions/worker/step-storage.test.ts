import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { OutputFile } from '#engines/compute/contract.ts';
import { listOutputs, requireRoom } from './step-storage.ts';

function file(output: string, size: number, identity = `${output}:${Math.random()}`): OutputFile {
  return { output, path: '', size, identity, executable: false, open: async () => Readable.from([]) };
}

async function* many(count: number): AsyncIterable<OutputFile> {
  for (let n = 0; n < count; n++) yield file('o', 1, String(n));
}

const signal = new AbortController().signal;
const MIB = 2 ** 20;

test('lists files up to a limit', async () => {
  expect(await listOutputs(many(100_000), () => true, signal)).toHaveLength(100_000);
  await expect(listOutputs(many(Infinity), () => true, signal)).rejects.toThrow(
    'Output `o` has more than 100,000 files. Pack them into an archive.',
  );
});

test('a listing stops when its signal aborts', async () => {
  const abort = new AbortController();
  const listing = listOutputs(many(Infinity), () => abort.abort() === undefined, abort.signal);
  await expect(listing).rejects.toThrow('aborted');
});

test('the error of an output that does not fit has its size, the limit and a remedy', () => {
  const files = [file('a', 3 * MIB), file('b', MIB), file('b', MIB)];
  const step = { stepBytes: 10 * MIB };
  requireRoom(files, { ...step, quota: { bytes: 8 * MIB, used: 3 * MIB }, freeBytes: 70 * MIB });
  requireRoom([], { stepBytes: 0, quota: { bytes: 0, used: 0 }, freeBytes: 0 });
  expect(() => requireRoom(files, { stepBytes: 4 * MIB })).toThrow(
    'The outputs are 5 MiB together (largest: `a`, 3 MiB); the disk limit of the step is 4 MiB.',
  );
  expect(() => requireRoom(files, { ...step, quota: { bytes: 7 * MIB, used: 3 * MIB } })).toThrow(
    'the project uses 3 MiB of its storage quota of 7 MiB',
  );
  expect(() => requireRoom(files, { ...step, freeBytes: 68 * MIB })).toThrow('the disk of the server has 68 MiB left');
});

test('a file with several names counts once', () => {
  expect(() => requireRoom([file('a', 6, '1'), file('b', 6, '1')], { stepBytes: 10 })).not.toThrow();
});
