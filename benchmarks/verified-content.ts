/**
 * CPU that verification of content adds to a download: one object of 256 MiB from a store on disk through `node:http` on loopback,
 * with and without verification, in alternating pairs of one process. The client is a process of its own. Then ranges of the
 * object, read in this process: each is verified by the sums of its chunks.
 *
 *     npx tsx --conditions=dais-source benchmarks/verified-content.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openFsBlobStore } from '../packages/server/src/engines/blobs/fs/fs-blob-store.ts';
import { verifiedBlobs } from '../packages/server/src/engines/blobs/verified.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const MEBIBYTES = 256;
const PAIRS = 20;
const RANGES = 500;
const RANGE_BYTES = 64 * 1024;
/** Milliseconds of CPU that verification adds to a range. */
const RANGE_LIMIT_MS = 1;
/** Milliseconds of CPU for a MiB. */
const LIMIT_MS = 1;
const CHUNK = Buffer.alloc(2 ** 20, 'content');
/** Reads each URL that it receives to its end, and reports the number of bytes. */
const CLIENT = `process.on('message', async (url) => {
  let bytes = 0;
  for await (const chunk of (await fetch(url)).body) bytes += chunk.length;
  process.send(bytes);
});`;

const claims = new Claims();
const root = benchmarkFolder('verified-content');
const client = spawn(process.execPath, ['-e', CLIENT], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const plain = await openFsBlobStore({ root, clock: systemClock });
const sums = new Map<string, Buffer>();
const options = {
  clock: systemClock,
  expected: () => Promise.resolve(undefined),
  sums: (one: string) => Promise.resolve(sums.get(one)),
  keepSums: (one: string, of: Buffer) => Promise.resolve(void sums.set(one, of)),
  report: ({ locator }: { readonly locator: string }) => Promise.reject(new Error(`${locator} is damaged`)),
  intact: () => Promise.resolve(),
};
const verified = verifiedBlobs(plain, options);
const { locator } = await verified.put(Readable.from(Array.from({ length: MEBIBYTES }, () => CHUNK)));
const server = createServer(
  (request, response) =>
    void (request.url === '/verified' ? verified : plain)
      .get(locator)
      .then(async (body) => await pipeline(body, response)),
);
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;

/** Returns milliseconds of CPU of this process for each MiB. */
async function download(path: 'plain' | 'verified'): Promise<number> {
  const before = process.cpuUsage();
  client.send(`http://127.0.0.1:${port}/${path}`);
  const [bytes] = (await once(client, 'message')) as [number];
  if (bytes !== MEBIBYTES * 2 ** 20) throw new Error(`${bytes} bytes were received`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / MEBIBYTES;
}

/** Returns milliseconds of CPU of this process for each range. */
async function readRanges(store: Pick<typeof plain, 'get'>): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < RANGES; n++) {
    const start = ((n * 7_919_111) % (MEBIBYTES * 2 ** 20 - RANGE_BYTES)) | 0;
    for await (const chunk of await store.get(locator, { start, end: start + RANGE_BYTES - 1 })) void chunk;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / RANGES;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
try {
  console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`);
  const pairs: { plain: number; verified: number }[] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const cost = { plain: await download('plain'), verified: await download('verified') };
    // The first pair warms up.
    if (pair > 0) pairs.push(cost);
  }
  const added = median(pairs.map((pair) => pair.verified - pair.plain));
  const [without, wholly] = [median(pairs.map((pair) => pair.plain)), median(pairs.map((pair) => pair.verified))];
  console.log(
    `CPU for each MiB: ${without.toFixed(2)} ms without verification, ${wholly.toFixed(2)} ms with it; ` +
      `${added.toFixed(2)} ms added, at most ${LIMIT_MS} ms: ${claims.judge('verification of a download', added <= LIMIT_MS, `${added.toFixed(2)} ms per MiB`)}`,
  );
  const ranges: { plain: number; verified: number }[] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    // A store that verified the whole object trusts it for a day: a new one has only the checksums.
    const fresh = verifiedBlobs(plain, options);
    const cost = { plain: await readRanges(plain), verified: await readRanges(fresh) };
    await fresh.close();
    if (pair > 0) ranges.push(cost);
  }
  const more = median(ranges.map((pair) => pair.verified - pair.plain));
  console.log(
    `CPU for each range of ${RANGE_BYTES / 1024} KiB: ${median(ranges.map((pair) => pair.plain)).toFixed(2)} ms without verification, ` +
      `${median(ranges.map((pair) => pair.verified)).toFixed(2)} ms with it; ${more.toFixed(2)} ms added, ` +
      `at most ${RANGE_LIMIT_MS} ms: ${claims.judge('verification of a range', more <= RANGE_LIMIT_MS, `${more.toFixed(2)} ms`)}`,
  );
} finally {
  client.kill();
  server.close();
  await verified.close();
}
claims.end();
