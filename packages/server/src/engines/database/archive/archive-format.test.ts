import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DaisError } from '@dais/api/errors';
import { ArchiveReader, FrameWriter, type ArchiveHeader } from './archive-format.ts';
import { createHash } from 'node:crypto';

const header: ArchiveHeader = {
  format: 1,
  programVersion: '1.0.0',
  serverVersion: 170_008,
  createdAt: '2026-01-01T00:00:00.000Z',
  slices: [{ schema: 'a', migrations: [] }],
  tables: [{ schema: 'a', name: 't', columns: ['x'] }],
  partitions: [],
  sequences: [],
};

function archive(pieces: readonly Uint8Array[]): Buffer {
  const writer = new FrameWriter();
  const digest = createHash('sha256');
  const frames = [writer.frame('H', header), writer.frame('T', { schema: 'a', name: 't' })];
  let bytes = 0;
  for (const piece of pieces) {
    digest.update(piece);
    bytes += piece.length;
    frames.push(writer.frame('D', Buffer.from(piece)));
  }
  frames.push(writer.frame('E', { rows: 1, bytes, sha256: digest.digest('hex') }));
  frames.push(writer.frame('Z', { tables: 1, rows: 1, sha256: writer.digest() }));
  return Buffer.concat(frames);
}

async function* inPieces(whole: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function readAll(whole: Buffer, size = 1_000): Promise<Buffer> {
  const reader = new ArchiveReader(inPieces(whole, size));
  await reader.header();
  const found: Buffer[] = [];
  while ((await reader.table()) !== undefined) for await (const piece of reader.rows(() => {})) found.push(piece);
  await reader.end();
  return Buffer.concat(found);
}

test('reads what it writes, for any split of the stream', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.integer({ min: 1, max: 500 }),
      async (pieces, size) => {
        expect(await readAll(archive(pieces), size)).toEqual(Buffer.concat(pieces));
      },
    ),
  );
});

test('detects every flipped bit, truncation and addition', async () => {
  const whole = archive([Buffer.from('1\ttext\n'), Buffer.from('2\t\\N\n')]);
  const invalid = async (damaged: Buffer): Promise<boolean> =>
    readAll(damaged).then(
      () => false,
      (error: unknown) => error instanceof DaisError && error.code === 'backup_invalid',
    );
  expect(await invalid(whole)).toBe(false);
  for (let byte = 0; byte < whole.length; byte += 1) {
    const flipped = Buffer.from(whole);
    flipped[byte]! ^= 1 << (byte % 8);
    expect([byte, await invalid(flipped)]).toEqual([byte, true]);
    expect([byte, await invalid(whole.subarray(0, byte))]).toEqual([byte, true]);
  }
  expect(await invalid(Buffer.concat([whole, Buffer.from('x')]))).toBe(true);
});

test('distinguishes a newer format from other files', async () => {
  const writer = new FrameWriter();
  const newer = writer.frame('H', { ...header, format: 2, more: true });
  await expect(new ArchiveReader(inPieces(newer, 9)).header()).rejects.toThrow('has format 2');
  const foreign = Buffer.from('PGDMP and so on');
  await expect(new ArchiveReader(inPieces(foreign, 9)).header()).rejects.toThrow('not an export of a Dais database');
});
