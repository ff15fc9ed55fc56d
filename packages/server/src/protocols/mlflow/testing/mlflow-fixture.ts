/** For tests of the adapter: a server with the tracking ledger, called as MLflow clients call it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startHttpFixture, type FixtureOptions, type HttpFixture } from '#http/testing/http-fixture.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { artifactEntries, trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { otlpAdapter, spanWords } from '#protocols/otlp/index.ts';
import { mlflowAdapter, mlflowProbes } from '../index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is no JSON. */
  readonly json: Json;
}

// Answers of a foreign protocol: tests say what they expect of them.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface MlflowWorld {
  readonly http: HttpFixture;
  get(path: string, query?: Readonly<Record<string, string | readonly string[]>>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The id of a new experiment. */
  experiment(name?: string): Promise<string>;
  /** The id of a new run. */
  run(experimentId?: string): Promise<string>;
  stop(): Promise<void>;
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface MlflowWorldOptions extends FixtureOptions {
  /** A folder that clients write to themselves, as `tracking.artifactRoot` names it. */
  readonly folderRoot?: string;
}

/** As passed by compose. */
const ARTIFACT_ROOT = 'mlflow-artifacts:';

export async function startMlflowWorld({ folderRoot, ...options }: MlflowWorldOptions = {}): Promise<MlflowWorld> {
  const ledger = trackingLedger({
    options: {
      artifactRoot: ARTIFACT_ROOT,
      folderRoot,
      nameTag: 'mlflow.runName',
      contextTag: 'mlflow.data.context',
      originTags: {
        parent: 'mlflow.parentRunId',
        commit: 'mlflow.source.git.commit',
        repository: 'mlflow.source.git.repoURL',
        entryPoint: 'mlflow.source.name',
      },
      traces: spanWords,
    },
    clock: systemClock,
    random: randomBytes,
  });
  const folder = await mkdtemp(join(tmpdir(), 'dais-mlflow-'));
  const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
  const http = await startHttpFixture({
    ...options,
    slices: [commentsSlice, lineageSlice, trackingSlice],
    entries: ({ database }) => {
      const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
      return [
        ...ledger.entries,
        ...artifactEntries({ database, content, clock: systemClock, random: randomBytes, folderRoot }),
      ];
    },
    doors: (calls) => [mlflowProbes(), mlflowAdapter({ calls, log: silent }), otlpAdapter({ calls, log: silent })],
  });
  let made = 0;
  const send: MlflowWorld['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${http.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  const world: MlflowWorld = {
    http,
    send,
    stop: async () => {
      await http.stop();
      await rm(folder, { recursive: true, force: true });
    },
    get: async (path, query = {}) => {
      const parameters = new URLSearchParams();
      for (const [name, values] of Object.entries(query)) {
        for (const value of [values].flat()) parameters.append(name, value);
      }
      return await send('GET', `/api/2.0/mlflow/${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`);
    },
    post: async (path, body, headers) => await send('POST', `/api/2.0/mlflow/${path}`, body, headers),
    experiment: async (name) => {
      made += 1;
      const answer = await world.post('experiments/create', { name: name ?? `made ${made}` });
      return answer.json.experiment_id as string;
    },
    run: async (experimentId) => {
      const experiment_id = experimentId ?? (await world.experiment());
      return (await world.post('runs/create', { experiment_id, start_time: 1 })).json.run.info.run_id as string;
    },
  };
  return world;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
