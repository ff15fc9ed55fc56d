/**
 * Writes bytes to an object store. The digest, and with it the key, is known only at the end, so a large blob is written to a
 * temporary key in parts and then copied inside the store. This costs one copy there, but no local disk and no second transfer.
 * A blob of one part is buffered in memory and sent once, to its key.
 */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { ExpectedBytes, StagedBlob } from './contract.ts';
import { measure, type Measured } from './measured.ts';
import type { ObjectKeys } from './object-keys.ts';
import type { ObjectService, ObjectUpload } from './object-service.ts';

export interface ObjectStagingDependencies {
  readonly service: ObjectService;
  readonly keys: ObjectKeys;
  readonly clock: Clock;
}

export async function stageObject(
  dependencies: ObjectStagingDependencies,
  source: Readable,
  expected: ExpectedBytes,
): Promise<StagedBlob> {
  const { service, keys, clock } = dependencies;
  const most = service.partBytes * service.maxParts;
  const incoming = measure(source, { ...expected, maxBytes: Math.min(expected.maxBytes ?? most, most) });
  try {
    const iterator = incoming.bytes[Symbol.asyncIterator]();
    const gathered: Buffer[] = [];
    for (let size = 0; size <= service.partBytes;) {
      const next = await iterator.next();
      if (next.done === true) return stagedInMemory(dependencies, incoming.measured(), Buffer.concat(gathered));
      gathered.push(next.value);
      size += next.value.length;
    }
    const key = keys.key('tmp', uuidv7(clock.now()));
    const upload = await service.startUpload(key);
    try {
      await sendParts(service, upload, gathered, iterator);
      await upload.complete();
    } catch (error) {
      // If the abort fails, the sweep removes the parts.
      await upload.abort().catch(() => {});
      throw error;
    }
    return stagedInStore(dependencies, incoming.measured(), key);
  } finally {
    source.destroy();
  }
}

async function sendParts(
  { partBytes, parallelParts }: ObjectService,
  upload: ObjectUpload,
  gathered: Buffer[],
  rest: AsyncIterator<Buffer>,
): Promise<void> {
  const slots = new Semaphore(parallelParts);
  const sending = new Set<Promise<void>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let index = 0;
  const send = async (bytes: Buffer, isLast: boolean): Promise<void> => {
    const number = index;
    index += 1;
    const started = Promise.withResolvers<void>();
    const sent = slots.run(async () => {
      started.resolve();
      await upload.send(number, bytes, isLast);
    });
    sending.add(sent);
    sent.then(
      () => sending.delete(sent),
      (error: unknown) => failed.reject(error),
    );
    // Reads on only when a part is being sent, so that at most `parallelParts` and one more are in memory.
    await Promise.race([started.promise, failed.promise]);
  };
  let pieces = gathered;
  let size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  try {
    for (;;) {
      while (size > partBytes) {
        const bytes = Buffer.concat(pieces);
        await send(bytes.subarray(0, partBytes), false);
        pieces = [bytes.subarray(partBytes)];
        size -= partBytes;
      }
      // A source that stalls must not delay the failure of a part.
      const next = await Promise.race([rest.next(), failed.promise]);
      if (next.done === true) break;
      pieces.push(next.value);
      size += next.value.length;
    }
    await send(Buffer.concat(pieces), true);
    await Promise.race([Promise.all(sending), failed.promise]);
  } catch (error) {
    await Promise.allSettled(sending);
    throw error;
  }
}

function stagedInMemory({ service, keys }: ObjectStagingDependencies, measured: Measured, bytes: Buffer): StagedBlob {
  let held: Buffer | undefined = bytes;
  return {
    ...measured,
    locator: `sha256:${measured.sha256}`,
    commit: async () => {
      if (held === undefined) return;
      // Replaces an object of the same key: its size does not show whether its bytes are damaged.
      await service.write(keys.key('sha256', measured.sha256), held);
      held = undefined;
    },
    discard: async () => {
      held = undefined;
    },
  };
}

function stagedInStore(
  { service, keys }: ObjectStagingDependencies,
  measured: Measured,
  temporary: string,
): StagedBlob {
  let settled = false;
  const removeTemporary = async (): Promise<void> => {
    settled = true;
    // If it fails, the sweep removes it.
    await service.delete(temporary).catch(() => {});
  };
  return {
    ...measured,
    locator: `sha256:${measured.sha256}`,
    commit: async () => {
      if (settled) return;
      if (!(await service.copy(temporary, keys.key('sha256', measured.sha256)))) {
        const detail = `the temporary object of an upload in ${service.where} was removed by a cleanup before it was stored`;
        throw new DaisError('blobs_unavailable', detail);
      }
      await removeTemporary();
    },
    discard: async () => {
      if (!settled) await removeTemporary();
    },
  };
}
