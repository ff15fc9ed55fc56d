import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { openS3BlobStore } from '#engines/blobs/s3/s3-blob-store.ts';
import { systemClock } from '#lib/clock.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { blobsReadiness, diskReadiness } from './readiness.ts';

test('checks the blob store once in 10 s, and reports its error', async () => {
  const root = await mkdtemp(join(tmpdir(), 'dais-ready-'));
  try {
    const clock = new ManualClock();
    const ready = blobsReadiness(await openFsBlobStore({ root, clock: systemClock }), clock);
    expect(await ready()).toMatchObject({ name: 'blobs', ok: true });
    await rename(join(root, 'tmp'), join(root, 'away'));
    clock.advance(9_999);
    expect(await ready()).toMatchObject({ ok: true });
    clock.advance(1);
    const remedy = expect.stringContaining('dais doctor');
    expect(await ready()).toMatchObject({ ok: false, detail: expect.stringContaining(root), remedy });
    await rename(join(root, 'away'), join(root, 'tmp'));
    expect(await ready()).toMatchObject({ ok: false });
    clock.advance(10_000);
    expect(await ready()).toMatchObject({ ok: true });
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a failed write makes the next probe check the store; a failing store is checked every second', async () => {
  const root = await mkdtemp(join(tmpdir(), 'dais-ready-'));
  try {
    const clock = new ManualClock();
    let fullAt: number | undefined;
    const ready = blobsReadiness(await openFsBlobStore({ root, clock: systemClock }), clock, () => fullAt);
    expect(await ready()).toMatchObject({ ok: true });
    await rename(join(root, 'tmp'), join(root, 'away'));
    clock.advance(1500);
    expect(await ready()).toMatchObject({ ok: true });
    fullAt = clock.now();
    expect(await ready()).toMatchObject({ ok: false });
    await rename(join(root, 'away'), join(root, 'tmp'));
    clock.advance(999);
    expect(await ready()).toMatchObject({ ok: false });
    clock.advance(1);
    expect(await ready()).toMatchObject({ ok: true });
  } finally {
    await rm(root, { recursive: true });
  }
});

test('the free space of the data folder is checked at every probe', async () => {
  let free = 64 * 2 ** 20;
  const ready = diskReadiness('/data', async () => free);
  expect(await ready()).toEqual({ name: 'disk', ok: true, detail: '64 MiB are free on the disk of /data' });
  free -= 1;
  const remedy = expect.stringContaining('Free space on the disk');
  expect(await ready()).toMatchObject({ ok: false, detail: expect.stringContaining('63 MiB are free'), remedy });
  free += 1;
  expect(await ready()).toMatchObject({ ok: true });
  const gone = diskReadiness('/nonexistent-folder');
  expect(await gone()).toMatchObject({ ok: false, detail: '/nonexistent-folder cannot be read (ENOENT)' });
});

test('does not wait for a store that does not respond', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const clock = new ManualClock();
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const options = { bucket: 'silent', region: 'us-east-1', endpoint, credentials, pathStyle: true, attempts: 1 };
  const store = openS3BlobStore(options, systemClock);
  try {
    const ready = blobsReadiness(store, clock);
    const first = ready();
    await expect.poll(() => sockets.length).toBe(1);
    clock.advance(2000);
    expect(await first).toMatchObject({ ok: false, detail: 'did not respond in time' });
    // A pending check is not repeated; its late result is valid.
    const second = ready();
    for (const socket of sockets) socket.resetAndDestroy();
    expect(await second).toMatchObject({ ok: false, detail: expect.stringContaining('did not respond') });
    expect(await ready()).toEqual(await second);
  } finally {
    await store.close();
    silent.close();
    for (const socket of sockets) socket.destroy();
  }
});
