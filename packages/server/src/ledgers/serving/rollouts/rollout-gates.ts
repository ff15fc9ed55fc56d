/** The gates of a new version before it receives traffic: its input example, the tests of its Model, a load test. */
import type { EndpointSpec, ModelTest } from '@dais/api/serving';
import type { TestGateway } from '../fleet/test-gateways.ts';
import type { ModelRow } from '../models/model-rows.ts';
import { failureIn, runModelTest, type PredictOnce } from '../model-tests/model-tests.ts';
import type { StepResult } from './rollout-rows.ts';

export interface GatedVersion {
  readonly project: string;
  readonly endpoint: string;
  readonly model: ModelRow;
  readonly tests: readonly ModelTest[];
  readonly gates: EndpointSpec['rollout']['gates'];
}

/** Returns the first failed gate with the reason. @throws Error if there is no result yet: it is retried. */
export async function runGates(gateway: TestGateway, version: GatedVersion, signal: AbortSignal): Promise<StepResult> {
  const ask = predictWithCanary(gateway, version);
  const found: string[] = [];
  for (const gate of [
    async () => await smokeTest(version.model, ask),
    async () => await passTests(version, ask, signal),
    async () => await passLoad(gateway, version, signal),
  ]) {
    signal.throwIfAborted();
    const result = await gate();
    if (result?.status === 'failed') return result;
    if (result !== undefined) found.push(result.message);
  }
  if (gateway.host !== undefined) found.push(`Tested at the gateway on ${gateway.host}.`);
  return { status: 'passed', message: found.join(' ') };
}

async function passTests(
  { tests, model }: GatedVersion,
  ask: ReturnType<typeof predictWithCanary>,
  signal: AbortSignal,
): Promise<StepResult | undefined> {
  if (tests.length === 0) return undefined;
  const results = [];
  for (const test of tests) {
    signal.throwIfAborted();
    results.push(await runModelTest(test, model.description.example, ask));
  }
  const failure = failureIn(results);
  if (failure !== undefined) return { status: 'failed', message: failure };
  return { status: 'passed', message: `It passed ${tests.length === 1 ? '1 test' : `${tests.length} tests`}.` };
}

async function passLoad(
  gateway: TestGateway,
  { project, endpoint, model, gates: { loadTest } }: GatedVersion,
  signal: AbortSignal,
): Promise<StepResult | undefined> {
  if (loadTest === undefined) return undefined;
  const { example } = model.description;
  if (example === null) {
    return {
      status: 'failed',
      message: 'The load test has no request body: no input example is stored with the version.',
    };
  }
  const { requests, connections, seconds, maxP99Ms, maxErrors } = loadTest;
  const target = { project, endpoint, variant: 'canary', body: example };
  const shape = { connections, requests, rate: undefined, durationMs: seconds * 1000 };
  const seen = await gateway.load(target, shape, signal);
  signal.throwIfAborted();
  const p99Ms = seen.p99Ms ?? 0;
  const summary = `${seen.failed} of ${seen.requests} requests on ${connections} connections failed, p99 latency ${p99Ms} ms`;
  if (seen.failed > maxErrors) {
    return {
      status: 'failed',
      message: `${summary}. The limit is ${maxErrors} failed requests. First error: ${seen.failure ?? ''}`,
    };
  }
  if (p99Ms > maxP99Ms) return { status: 'failed', message: `${summary}. The limit is ${maxP99Ms} ms.` };
  return { status: 'passed', message: `${summary}.` };
}

/** Sends requests to the new version, through the route of all requests. */
function predictWithCanary(
  gateway: TestGateway,
  { project, endpoint }: { readonly project: string; readonly endpoint: string },
): PredictOnce {
  const path = `/p/${encodeURIComponent(project)}/endpoints/${encodeURIComponent(endpoint)}/invocations`;
  const headers = { 'content-type': 'application/json', 'dais-variant': 'canary', 'dais-capture': 'off' };
  return async (sent) => {
    const { status, variant, body } = await gateway.request(path, headers, sent);
    // The gateway has not applied the snapshot yet, or is overloaded: retry.
    if (status === 200 && variant !== 'canary') throw new Error(`${variant} responded instead of the new version`);
    if (status === 503 || status === 429 || status === 404)
      throw new Error(`the gateway returned ${status}: ${body.slice(0, 300)}`);
    return { status, body };
  };
}

/** @throws Error if the gateway cannot be reached: there is no result. */
async function smokeTest({ description: { example } }: ModelRow, ask: PredictOnce): Promise<StepResult> {
  if (example === null) {
    return {
      status: 'passed',
      message: 'The version is loaded. It has no input example, so no test prediction was made.',
    };
  }
  const { status, body } = await ask(example);
  if (status === 200)
    return { status: 'passed', message: 'The version is loaded and returned a prediction for its input example.' };
  return {
    status: 'failed',
    message: `The version returned status ${status} for its own input example: ${body.slice(0, 500)}`,
  };
}
