/** Resumable uploads of Google Cloud Storage: an object in parts, in order. It exists only after the last part. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api/errors';
import type { OutboundAnswer } from '#lib/outbound/outbound.ts';
import type { ObjectUpload } from '../object-service.ts';
import type { GcsAccess } from './gcs-access.ts';

const DOING = 'writing a blob';
/** Maximum consecutive tries of a part without a new byte. */
const TRIES = 4;

/** Starts an upload. @throws DaisError `blobs_unavailable`. */
export async function startUpload(access: GcsAccess, key: string, partBytes: number): Promise<ObjectUpload> {
  const answer = await access.http.send({
    method: 'POST',
    url: access.uploadUrl({ uploadType: 'resumable', name: key }),
    headers: { 'content-type': 'application/json; charset=UTF-8', 'x-upload-content-type': 'application/octet-stream' },
    body: Buffer.from(JSON.stringify({ name: key, contentType: 'application/octet-stream' })),
    doing: DOING,
  });
  const { location } = answer.headers;
  if (location === undefined || !URL.canParse(location)) {
    throw new DaisError('blobs_unavailable', `${access.where} returned no address for an upload`);
  }
  return new ResumableUpload(access, new URL(location), partBytes);
}

class ResumableUpload implements ObjectUpload {
  readonly #access: GcsAccess;
  readonly #session: URL;
  readonly #partBytes: number;
  readonly #hash = createHash('md5');
  #result: OutboundAnswer<Buffer> | undefined;

  constructor(access: GcsAccess, session: URL, partBytes: number) {
    this.#access = access;
    this.#session = session;
    this.#partBytes = partBytes;
  }

  async send(index: number, bytes: Buffer, isLast: boolean): Promise<void> {
    this.#hash.update(bytes);
    const start = index * this.#partBytes;
    const end = start + bytes.length;
    const total = isLast ? String(end) : '*';
    let next = start;
    for (let failures = 0; next < end;) {
      const answer = await this.#put(`bytes ${next}-${end - 1}/${total}`, bytes.subarray(next - start)).catch(
        async (error: unknown) => {
          failures += 1;
          if (failures >= TRIES) throw error;
          await this.#access.http.pause(this.#backoff(failures));
          // The service may have stored a part of it, or all of it.
          return await this.#put(`bytes */${total}`, Buffer.alloc(0)).catch(() => undefined);
        },
      );
      if (answer === undefined) continue;
      if (answer.status !== 308) {
        this.#result = answer;
        return;
      }
      const stored = storedBytes(answer);
      if (stored < start || stored > end) {
        throw new DaisError('blobs_unavailable', `${this.#access.where} lost a part of an upload`);
      }
      if (stored > next) failures = 0;
      else if ((failures += 1) >= TRIES) {
        throw new DaisError('blobs_unavailable', `${this.#access.where} does not store a part of an upload`);
      }
      next = stored;
    }
    if (isLast) throw new DaisError('blobs_unavailable', `${this.#access.where} did not complete an upload`);
  }

  async complete(): Promise<void> {
    const { md5Hash } = JSON.parse(this.#result?.body.toString('utf8') || '{}') as { readonly md5Hash?: string };
    if (md5Hash === this.#hash.digest('base64')) return;
    const detail = `${this.#access.where} stored different bytes than were sent (md5Hash)`;
    throw new DaisError('blobs_unavailable', detail);
  }

  async abort(): Promise<void> {
    const { http } = this.#access;
    // The service answers 499; a session that is over is no error.
    await http.send({ method: 'DELETE', url: this.#session, accept: [404, 410, 499], doing: 'aborting an upload' });
  }

  async #put(range: string, body: Buffer): Promise<OutboundAnswer<Buffer>> {
    const headers = { 'content-range': range };
    return await this.#access.http.send({
      method: 'PUT',
      url: this.#session,
      headers,
      body,
      accept: [308],
      doing: DOING,
      retry: false,
    });
  }

  #backoff(failures: number): number {
    return (this.#access.options.backoffMs ?? 200) * 2 ** failures;
  }
}

/** The number of bytes that the service has; without a header, none. */
function storedBytes({ headers }: OutboundAnswer<Buffer>): number {
  const last = /^bytes=0-(\d+)$/.exec(headers['range'] ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}
