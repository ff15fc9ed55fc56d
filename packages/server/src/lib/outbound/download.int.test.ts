import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadFile, type Download } from './download.ts';
import { TestNet } from './outbound.testing.ts';

const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');

let net: TestNet;
let folder: string;
const ranges: (string | undefined)[] = [];
beforeEach(async () => {
  net = new TestNet();
  folder = await mkdtemp(join(tmpdir(), 'dais-download-'));
  ranges.length = 0;
});
afterEach(async () => {
  await net.end();
  await rm(folder, { recursive: true });
});

async function from(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  options: Partial<Download> = {},
): Promise<void> {
  const origin = await net.serve((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  const path = join(folder, 'file');
  await downloadFile(net.client(), { url: `${origin}/file`, sha256, bytes: content.length, path, ...options });
}

/** Ends the connection when what was sent has reached the disk. */
async function breakOnceKept(response: ServerResponse): Promise<void> {
  const kept = async () => (await stat(join(folder, 'file.part')).catch(() => undefined))?.size ?? 0;
  await expect.poll(kept).toBeGreaterThan(0);
  response.destroy();
}

test('a broken connection is resumed where it broke', async () => {
  const reported: number[] = [];
  await from(
    (request, response, count) => {
      if (count === 1) {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 100_000));
        void breakOnceKept(response);
        return;
      }
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
      response.end(content.subarray(start));
    },
    { progress: (done) => reported.push(done) },
  );
  expect(Buffer.compare(await readFile(join(folder, 'file')), content)).toBe(0);
  expect(ranges).toHaveLength(2);
  expect(reported.at(-1)).toBe(content.length);
  expect(reported).toEqual(reported.toSorted((one, other) => one - other));
  expect(await readdir(folder)).toEqual(['file']);
});

test('a server without ranges starts from the beginning', async () => {
  await from((_request, response, count) => {
    response.writeHead(200, { 'content-length': content.length });
    if (count === 1) response.write(content.subarray(0, 100_000), () => setImmediate(() => response.destroy()));
    else response.end(content);
  });
  expect(Buffer.compare(await readFile(join(folder, 'file')), content)).toBe(0);
});

test('bytes that differ from the pinned ones are rejected and deleted', async () => {
  await expect(from((_request, response) => void response.end(randomBytes(content.length)))).rejects.toThrow(
    /has SHA-256 [0-9a-f]{64} \(300000 bytes\), but/,
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a response without a file is reported immediately; a failing server is called four times', async () => {
  await expect(from((_request, response) => void response.writeHead(404).end())).rejects.toThrow('status 404');
  expect(ranges).toHaveLength(1);
  ranges.length = 0;
  await expect(from((_request, response) => void response.writeHead(503).end())).rejects.toThrow('status 503');
  expect(ranges).toHaveLength(4);
});

test('more than is pinned is not read on', async () => {
  await expect(from((_request, response) => void response.end(randomBytes(2_000_000)))).rejects.toThrow('more than');
});
