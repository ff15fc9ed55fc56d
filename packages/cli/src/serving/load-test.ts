/** `dais endpoint load-test`. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { loadTestOperation, type LoadTest } from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

interface Options {
  readonly connections: number;
  readonly rate?: number;
  readonly duration: number;
  readonly requests?: number;
  readonly variant?: string;
  readonly file?: string;
}

const POLL_MS = 500;
const REPORT_MS = 2000;

/** Exits with a failure code when a request failed. */
export const loadTest: Run<Options> = async (context, [endpoint = ''], options) => {
  const { connections, rate, duration, requests, variant, file } = options;
  const body = file === undefined ? undefined : await readBody(resolve(context.workingFolder, file));
  const client = await context.connect();
  const request = {
    endpoint,
    run: randomUUID(),
    connections,
    seconds: duration / 1000,
    stop: false,
    ...(rate !== undefined && { rate }),
    ...(requests !== undefined && { requests }),
    ...(variant !== undefined && { variant }),
    ...(body !== undefined && { body }),
  };
  let result = await client.perform(loadTestOperation, request);
  let reportedAt = Date.now();
  try {
    while (result.state === 'running') {
      await sleep(POLL_MS, undefined, { signal: context.signal });
      result = await client.perform(loadTestOperation, request);
      if (Date.now() - reportedAt < REPORT_MS || result.state !== 'running') continue;
      reportedAt = Date.now();
      context.terminal.err(`${result.seconds} s: ${result.requestsPerSecond} requests/s, ${result.failed} failed\n`);
    }
  } catch (error) {
    await client.perform(loadTestOperation, { ...request, stop: true }).catch(() => {});
    throw error;
  }
  if (!(await printedForPrograms(context, result))) show(context, result);
  return result.state === 'succeeded' && result.failed === 0 ? exitCodes.ok.code : exitCodes.failed.code;
};

async function readBody(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new DaisError('invalid_request', `${file} cannot be read: ${String(error)}`);
  });
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new DaisError('invalid_request', `${file} is not JSON: ${String(error)}`);
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new DaisError('invalid_request', `${file} is no body of /invocations: write {"inputs": …} or the like.`);
}

function show({ terminal }: Context, reported: LoadTest): void {
  if (reported.state === 'failed') {
    terminal.err(`${reported.endpoint} could not be tested: ${reported.message}\n`);
    return;
  }
  const ms = (value: number | null) => (value === null ? '' : `${value} ms`);
  const row = [
    String(reported.requests),
    String(reported.failed),
    String(reported.requestsPerSecond),
    ms(reported.p50Ms),
    ms(reported.p90Ms),
    ms(reported.p99Ms),
    reported.cpuMicrosPerRequest === null ? '' : `${reported.cpuMicrosPerRequest} µs`,
  ].map((text) => ({ text }));
  const heads = ['requests', 'failed', 'requests/s', 'p50', 'p90', 'p99', 'cpu/request'];
  terminal.out(table(heads, [row], { style: terminal.style, columns: terminal.columns }));
  if (reported.failure !== undefined) terminal.err(`First failed request: ${reported.failure}\n`);
  if (reported.late > 0)
    terminal.err(`${reported.late} requests started late because all ${reported.connections} connections were busy.\n`);
}
