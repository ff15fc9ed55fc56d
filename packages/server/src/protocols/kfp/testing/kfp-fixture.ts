/** For tests of the door: a server with the ledgers that it speaks for, spoken to as its clients speak. */
import { randomBytes } from 'node:crypto';
import { startHttpFixture, type FixtureOptions, type HttpFixture } from '#http/testing/http-fixture.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { kfpDoor, kfpProbe } from '../index.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; undefined when it is no JSON. */
  // Answers of a foreign protocol: tests say what they expect of them.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface KfpWorld {
  readonly http: HttpFixture;
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  stop(): Promise<void>;
}

const API = '/apis/v2beta1';

export async function startKfpWorld(options: FixtureOptions = {}): Promise<KfpWorld> {
  const tracking = trackingLedger({
    options: { artifactRoot: 'artifacts:', nameTag: 'name', contextTag: 'context' },
    clock: systemClock,
    random: randomBytes,
  } as Parameters<typeof trackingLedger>[0]);
  const http = await startHttpFixture({
    ...options,
    slices: [lineageSlice, trackingSlice],
    entries: () => tracking.entries,
    doors: (calls) => [kfpProbe(), kfpDoor({ calls, log: silentLog })],
  });
  const send: KfpWorld['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${http.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, json };
  };
  return {
    http,
    send,
    get: async (path, query = {}) => {
      const parameters = new URLSearchParams(query);
      return await send('GET', `${API}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`);
    },
    post: async (path, body) => await send('POST', `${API}${path}`, body),
    stop: async () => await http.stop(),
  };
}
