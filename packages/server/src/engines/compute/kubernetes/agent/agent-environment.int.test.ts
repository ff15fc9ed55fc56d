/** The real agent and the real shim, as processes: a task with an environment. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { afterEach, expect, test } from 'vitest';
import type { AgentEnvironment } from '../agent-api.ts';
import { startPod, type Pod, type PodOptions } from './pod.testing.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A program `tool` in an environment of about `bytes`, compressed as much. */
async function open(script: string, bytes: number, options: PodOptions = {}): Promise<Pod> {
  const folder = mkdtempSync(join(tmpdir(), 'dais-env-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const tool = Buffer.from('#!/bin/sh\necho "tool ran"\n');
  const files = [
    { header: { name: '0/data', size: bytes, type: 'file' as const }, body: randomBytes(bytes) },
    { header: { name: '0/bin/tool', size: tool.length, type: 'file' as const, mode: 0o755 }, body: tool },
  ];
  const archive = zstdCompressSync(await packTar(files));
  const environment: AgentEnvironment = {
    folder,
    input: 0,
    size: archive.length,
    sha256: createHash('sha256').update(archive).digest('hex'),
    unpackedBytes: bytes,
    links: [],
    libraries: [],
  };
  const pod = await startPod(['sh', '-c', script], {
    ...options,
    environment,
    path: [`${folder}/0/bin`],
    prepare: (dais) => {
      (dais.inputs as Buffer[]).push(archive);
      options.prepare?.(dais);
    },
  });
  ends.push(async () => await pod.end());
  return pod;
}

test('an agent that is killed while it unpacks starts again, and the command runs once', async () => {
  let calls = 0;
  const pod = await open('tool', 8 << 20, {
    // The connection of the first call ends; the second call stays without an answer.
    prepare: (dais) =>
      (dais.intercept = async (method, path) => {
        if (method !== 'GET' || path !== '/inputs/0') return undefined;
        calls += 1;
        if (calls === 2) await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
        return calls === 1;
      }),
  });
  await expect.poll(() => calls, { interval: 10, timeout: 20_000 }).toBe(2);
  await pod.restartAgent();
  expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
  expect([calls, pod.dais.log, pod.dais.ends]).toEqual([3, 'tool ran\n', 1]);
});

test('a cancellation while the environment is fetched ends the task', async () => {
  const pod = await open('tool', 1 << 20, {
    prepare: (dais) =>
      (dais.intercept = async (method, path) => {
        if (method === 'GET' && path === '/inputs/0') {
          await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
        }
        return undefined;
      }),
  });
  await expect.poll(() => pod.dais.beats.length, { interval: 10 }).toBeGreaterThan(0);
  pod.dais.command('cancel');
  expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
  expect([pod.dais.end, pod.dais.log]).toMatchObject([{ end: 'canceled' }, '']);
});

test('an environment of 256 MiB is unpacked within the memory of the agent', { timeout: 60_000 }, async () => {
  const pod = await open('tool; while [ ! -e go ]; do sleep 0.05; done', 256 << 20);
  await expect.poll(() => pod.dais.log, { timeout: 40_000, interval: 20 }).toBe('tool ran\n');
  const status = readFileSync(`/proc/${pod.agentPid}/status`, 'utf8');
  expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024).toBeLessThan(192 * 2 ** 20);
  pod.dais.command('cancel');
  await pod.finish();
});
