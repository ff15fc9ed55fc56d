/** Tests that every data source must pass. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataSource } from './contract.ts';

export interface SourceSubject {
  readonly source: DataSource;
  /** The same source without objects. */
  readonly absent: DataSource;
  /** Changes the objects. */
  change(): Promise<void>;
  end(): Promise<void>;
}

const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'ok',
    (error: unknown) => (error instanceof DaisError ? error.code : String(error)),
  );

/** `detectsByPin`: whether a pin detects a change before the bytes are read. */
export function sourcesSuite(name: string, detectsByPin: boolean, open: () => Promise<SourceSubject>): void {
  describe(`data source: ${name}`, () => {
    let subject: SourceSubject;
    let folder: string;
    const signal = new AbortController().signal;
    beforeAll(async () => {
      subject = await open();
      folder = await mkdtemp(join(tmpdir(), 'dais-source-'));
    });
    afterAll(async () => {
      await subject.end();
      await rm(folder, { recursive: true, force: true });
    });

    test('lists objects in the same order and returns bytes with their digest', async () => {
      const { source } = subject;
      const objects = await source.list(signal);
      expect(objects.length).toBeGreaterThan(0);
      expect(await source.list(signal)).toEqual(objects);
      for (const [at, object] of objects.entries()) {
        const path = join(folder, `first-${at}`);
        const fetched = await source.fetch(object, path, { signal });
        const bytes = await readFile(path);
        expect(fetched.bytes).toBe(bytes.length);
        expect(fetched.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
        expect(fetched.pin).toBe(object.pin);
        expect(object.uri).not.toContain('@');
      }
    });

    test('reports missing objects, and stops a fetch on abort', async () => {
      expect(['not_found', 'invalid_request']).toContain(await codeOf(subject.absent.list(signal)));
      const [object] = await subject.source.list(signal);
      const aborted = AbortSignal.abort(new Error('enough'));
      const path = join(folder, 'aborted');
      expect(await codeOf(subject.source.fetch(object!, path, { signal: aborted }))).toContain('enough');
    });

    test('detects a change by pin or digest', async () => {
      const { source } = subject;
      const [object] = await source.list(signal);
      const before = await source.fetch(object!, join(folder, 'before'), { signal });
      await subject.change();
      const digest = async () => (await source.fetch(object!, join(folder, 'after'), { signal })).sha256;
      const seen = await digest().catch((error: unknown) => (error instanceof DaisError ? error.code : error));
      expect(seen === before.sha256).toBe(false);
      expect(seen === 'conflict').toBe(detectsByPin);
    });
  });
}
