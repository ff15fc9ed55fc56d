/** Dais: a server in separate processes, called through its API. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startOwnServer } from '../lib/own-server.ts';
import { cpuByPart, cpuOf } from '../lib/processes.ts';

const POLL_MS = 100;

export interface Own {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds of CPU so far of all its processes, its database too. */
  cpu(): number;
  /** The same by part. */
  cpuByPart(): ReturnType<typeof cpuByPart>;
  ask<Answer>(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer>;
  apply(kind: string, name: string, spec: object): Promise<void>;
  /** A version of these files, as `dais data push` makes it; resolves when it is there. */
  push(dataset: string, files: readonly string[]): Promise<void>;
  /** Polls until it has ended. @throws Error when it has failed. */
  follow<Answer>(path: string): Promise<Answer>;
  stop(): Promise<void>;
}

interface Progress {
  readonly state: string;
  readonly endedAt?: number;
  readonly finishedAt?: number | string;
}

export async function startOwn(folder: string): Promise<Own> {
  const { url, pids, stop } = await startOwnServer(folder);
  const [pid = 0] = pids;
  const send = async (method: string, path: string, body?: string | Buffer) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
      headers: { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 2000)}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const own: Own = {
    url,
    pid,
    cpu: () => cpuOf([pid]),
    cpuByPart: () => cpuByPart([pid]),
    ask: async (method, path, body) =>
      (await send(method, path, body === undefined ? undefined : JSON.stringify(body))) as never,
    apply: async (kind, name, spec) => {
      const manifest = { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
      const sources = [{ file: `${name}.json`, text: JSON.stringify(manifest) }];
      await own.ask('POST', '/api/v1/apply', { sources });
    },
    push: async (dataset, files) => {
      const base = `/api/v1/data/datasets/${dataset}`;
      const all = new Map<string, Buffer>();
      for (const file of files) all.set(basename(file), await readFile(file));
      const reported = [...all].map(([name, bytes]) => ({
        name,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      }));
      const begun = await own.ask<{ id: string; needed: string[] }>('POST', `${base}/pushes`, { files: reported });
      for (const name of begun.needed) {
        await send('PUT', `${base}/pushes/${begun.id}/files?file=${encodeURIComponent(name)}`, all.get(name));
      }
      await own.ask('POST', `${base}/pushes/${begun.id}/commit`, {});
      await own.follow(`${base}/ingests/${begun.id}`);
    },
    follow: async <Answer>(path: string) => {
      for (;;) {
        const found = await own.ask<Progress>('GET', path);
        if (found.state === 'failed') throw new Error(`${path}: ${JSON.stringify(found).slice(0, 2000)}`);
        if (found.endedAt !== undefined || found.finishedAt !== undefined) return found as Answer;
        await delay(POLL_MS);
      }
    },
    stop,
  };
  return own;
}
