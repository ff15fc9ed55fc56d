/** Downloads files with a known digest through the outbound client; interrupted downloads are resumed. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Outbound } from './outbound.ts';

export interface Download {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lower-case hex; the file appears only when its bytes have this digest. */
  readonly sha256: string;
  readonly bytes: number;
  /** The target; `<path>.part` is the partial download, which remains after a failure. One process at a time. */
  readonly path: string;
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

/** The downloaded bytes do not match the pinned digest, or the response contains no file. */
export class DownloadError extends Error {}

const TRIES = 4;
/** For a file of 20 MB over a slow connection; a pause in the transfer ends an attempt much earlier. */
const TIMEOUTS = { totalMs: 1_800_000 };

/**
 * The address is the operator's: it may be anywhere.
 * @throws DownloadError; what `outbound` throws after the last try; the reason of `signal`.
 */
export async function downloadFile(outbound: Outbound, download: Download): Promise<void> {
  const { path, bytes, sha256, signal } = download;
  const part = `${path}.part`;
  for (let tries = 1; ; tries += 1) {
    try {
      await fetchRest(outbound, download, part);
      break;
    } catch (error) {
      if (error instanceof DownloadError || signal?.aborted === true || tries === TRIES) throw error;
    }
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(part), hash);
  const digest = hash.digest('hex');
  if (digest !== sha256) {
    const { size } = await stat(part);
    await rm(part);
    throw new DownloadError(
      `${download.url} has SHA-256 ${digest} (${size} bytes), but ${sha256} (${bytes}) is pinned`,
    );
  }
  await rename(part, path);
}

async function fetchRest(outbound: Outbound, download: Download, part: string): Promise<void> {
  const { url, headers, bytes, signal, progress } = download;
  const kept = (await stat(part).catch(() => undefined))?.size ?? 0;
  if (kept === bytes) return;
  const from = kept > bytes ? 0 : kept;
  const answer = await outbound.stream({
    url,
    headers: { ...headers, ...(from > 0 && { range: `bytes=${from}-` }) },
    redirects: 5,
    trusted: true,
    maxBytes: bytes,
    timeouts: TIMEOUTS,
    ...(signal !== undefined && { signal }),
  });
  const { status, body } = answer;
  const resumed = status === 206 && answer.headers['content-range']?.startsWith(`bytes ${from}-`) === true;
  if (status !== 200 && !resumed) {
    body.on('error', () => {}).destroy();
    // The partial download can belong to another file: the next attempt requests the whole one.
    if (from > 0) await rm(part, { force: true });
    const refused = `${url} responds with status ${status}`;
    throw status >= 500 || from > 0 ? new Error(refused) : new DownloadError(refused);
  }
  let done = resumed ? from : 0;
  body.on('data', (chunk: Buffer) => progress?.((done += chunk.length), bytes));
  await pipeline(body, createWriteStream(part, { flags: resumed ? 'a' : 'w' }));
  if (done !== bytes) throw new Error(`${url} ended after ${done} of ${bytes} bytes`);
}
