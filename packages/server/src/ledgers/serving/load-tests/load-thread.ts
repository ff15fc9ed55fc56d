/**
 * The program of the thread that sends requests to an endpoint. With a rate, latency counts from the due time of a
 * request, not from the time when a connection was free, so that a stalled endpoint is measured correctly (coordinated
 * omission).
 */
import { Agent, request } from 'node:http';
import { insideThread } from '#lib/process.ts';
import { LatencyHistogram } from '#lib/telemetry/latency-histogram.ts';
import type { FromLoad, LoadPlan } from './load-plan.ts';

const REPORT_MS = 250;
/** Timeout of a request. */
const LONGEST_MS = 60_000;

const { port, data } = insideThread();
const plan = data as LoadPlan;
const agent = new Agent({ keepAlive: true, maxSockets: plan.connections });
const histogram = new LatencyHistogram();
const startedAt = performance.now();
let started = 0;
let failed = 0;
let late = 0;
let failure: string | undefined;

const elapsed = () => performance.now() - startedAt;
const isOver = () => elapsed() >= plan.durationMs || (plan.requests !== undefined && started >= plan.requests);

async function ask(): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const { host, path, headers, body } = plan;
    const sent = request(
      { agent, host, port: plan.port, path, method: 'POST', headers, timeout: LONGEST_MS },
      (answer) => {
        const { statusCode = 0 } = answer;
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          if (statusCode !== 200 && text.length < 500) text += chunk.toString('utf8');
        });
        answer.once('end', () => resolve(statusCode === 200 ? undefined : `${statusCode}: ${text.slice(0, 500)}`));
        answer.once('error', (error) => resolve(error.message));
      },
    );
    sent.once('timeout', () => sent.destroy(new Error(`no response within ${LONGEST_MS / 1000} s`)));
    sent.once('error', (error) => resolve(error.message));
    sent.end(body);
  });
}

async function measure(dueAt: number): Promise<void> {
  const problem = await ask();
  histogram.add(performance.now() - dueAt);
  if (problem === undefined) return;
  failed++;
  failure ??= problem;
}

async function closedLoop(): Promise<void> {
  while (!isOver()) {
    started++;
    await measure(performance.now());
  }
}

/** Each connection sends the next due request. */
async function openLoop(rate: number): Promise<void> {
  while (!isOver()) {
    const dueAt = startedAt + (started * 1000) / rate;
    started++;
    const left = dueAt - performance.now();
    if (left > 0) await new Promise((resolve) => void setTimeout(resolve, left));
    else if (left < -1000 / rate) late++;
    if (dueAt - startedAt >= plan.durationMs) return;
    await measure(dueAt);
  }
}

function reportProgress(done: boolean): void {
  const seen = {
    elapsedMs: Math.round(elapsed()),
    requests: histogram.total,
    failed,
    late,
    p50Ms: histogram.quantile(0.5),
    p90Ms: histogram.quantile(0.9),
    p99Ms: histogram.quantile(0.99),
    failure,
  };
  const message: FromLoad = { seen, done };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
  port.postMessage(message);
}

const reporting = setInterval(() => reportProgress(false), REPORT_MS);
const { rate } = plan;
await Promise.all(
  Array.from({ length: plan.connections }, async () => await (rate === undefined ? closedLoop() : openLoop(rate))),
);
clearInterval(reporting);
reportProgress(true);
agent.destroy();
