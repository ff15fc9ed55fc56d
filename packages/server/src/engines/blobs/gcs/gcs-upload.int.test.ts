/** Faults of resumable uploads, from a server that stores what it gets as the documentation describes. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { expectCode } from '../suite.ts';
import { openGcsBlobStore } from './gcs-blob-store.ts';

const KIB = 1024;

const net = new TestNet();
let outbound: Outbound;
let origin: string;
let stored = Buffer.alloc(0);
let isDone = false;
let requests: string[] = [];
/** Called with each part before the response; returns whether the connection breaks instead of a response. */
let breaks: (part: Buffer, number: number) => 'whole' | 'half' | 'none' | undefined;
let digest: (bytes: Buffer) => string;

beforeAll(async () => {
  outbound = testOutbound();
  origin = await net.serve((request, response) => void answer(request, response));
});
afterAll(async () => {
  await outbound.close();
  await net.end();
});
beforeEach(() => {
  stored = Buffer.alloc(0);
  isDone = false;
  requests = [];
  breaks = () => undefined;
  digest = (bytes) => createHash('md5').update(bytes).digest('base64');
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  if (request.method === 'POST' && request.url?.includes('uploadType=resumable') === true) {
    response.writeHead(200, { location: `${origin}/session?upload_id=1` });
    return void response.end();
  }
  if (request.method === 'POST') return void response.end(JSON.stringify({ done: true }));
  if (request.method === 'DELETE') return void response.writeHead(204).end();
  const range = String(request.headers['content-range']);
  requests.push(range);
  const [, start, , total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? [];
  if (start !== undefined) {
    const broken = breaks(body, requests.length);
    if (Number(start) === stored.length) {
      const kept = broken === 'none' ? 0 : broken === 'half' ? body.length / 2 : body.length;
      stored = Buffer.concat([stored, body.subarray(0, kept)]);
    }
    isDone = total !== '*' && stored.length === Number(total);
    if (broken !== undefined) return void request.socket.resetAndDestroy();
  }
  if (isDone) return void response.end(JSON.stringify({ md5Hash: digest(stored) }));
  response.writeHead(308, stored.length === 0 ? {} : { range: `bytes=0-${stored.length - 1}` }).end();
}

const store = () =>
  openGcsBlobStore({ bucket: 'b', endpoint: origin, outbound, clock: systemClock, partBytes: 256 * KIB, backoffMs: 1 });

test.each(['whole', 'half', 'none'] as const)(
  'continues after a lost response: %s of a part was stored',
  async (kept) => {
    const bytes = randomBytes(600 * KIB);
    breaks = (_part, number) => (number === 2 ? kept : undefined);
    await store().put(Readable.from([bytes]));
    expect(stored.equals(bytes)).toBe(true);
    expect(requests).toContain('bytes */*');
  },
);

test('finds a complete upload whose last response was lost', async () => {
  const bytes = randomBytes(600 * KIB);
  breaks = (part) => (part.length < 256 * KIB ? 'whole' : undefined);
  await store().put(Readable.from([bytes]));
  expect(stored.equals(bytes)).toBe(true);
  expect(requests.at(-1)).toBe(`bytes */${600 * KIB}`);
});

test('gives up when no byte is stored any more', async () => {
  breaks = (_part, number) => (number >= 2 ? 'none' : undefined);
  const error = await expectCode('blobs_unavailable', store().put(Readable.from([randomBytes(600 * KIB)])));
  expect(error.message).toContain('bucket b of Google Cloud Storage');
  expect(requests.length).toBeLessThan(20);
});

test('rejects an upload that stored other bytes', async () => {
  digest = () => 'another';
  const error = await expectCode('blobs_unavailable', store().put(Readable.from([randomBytes(600 * KIB)])));
  expect(error.message).toContain('stored different bytes');
});
