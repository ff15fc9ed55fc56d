/** The first gate of a new version: a prediction for its stored input example, through the gateway. */
import type { GatewayLink } from './gateway-link.ts';
import type { ModelRow } from './model-rows.ts';
import type { PredictOnce } from './model-tests.ts';
import type { StepResult } from './rollout-rows.ts';

/** Sends requests to the new version, through the route of all requests. */
export function predictWithCanary(
  gateway: GatewayLink,
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
export async function smokeTest({ described: { example } }: ModelRow, ask: PredictOnce): Promise<StepResult> {
  if (example === null) {
    return { verdict: 'good', message: 'The version is loaded. It has no input example, so no test prediction was made.' };
  }
  const { status, body } = await ask(example);
  if (status === 200) return { verdict: 'good', message: 'The version is loaded and returned a prediction for its input example.' };
  return { verdict: 'bad', message: `The version returned status ${status} for its own input example: ${body.slice(0, 500)}` };
}
