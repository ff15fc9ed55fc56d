/** Runs the thread that sends requests to an endpoint, and measures the cost for the gateway. */
import type { GatewayFigures } from '@dais/api/gateway';
import { programUrl, startThread } from '#lib/process.ts';
import type { GatewayLink } from '../publishing/gateway-link.ts';
import type { FromLoad, LoadPlan, LoadProgress } from './load-plan.ts';

export interface LoadTarget {
  readonly project: string;
  readonly endpoint: string;
  /** The tested variant; default: the traffic split. */
  readonly variant: string | undefined;
  readonly body: string;
}

export type LoadShape = Pick<LoadPlan, 'connections' | 'rate' | 'requests' | 'durationMs'>;

export interface LoadResult {
  readonly seen: LoadProgress;
  /** CPU time of the gateway and its model processes per request; undefined if unknown. */
  readonly cpuMicros: number | undefined;
}

/** After the last response, wait for one more report of the gateway. */
const LAST_WORD_MS = 2000;

/** Ends early, with the results so far, when `signal` aborts. @throws Error if no gateway listens. */
export async function runLoad(
  gateway: GatewayLink,
  target: LoadTarget,
  shape: LoadShape,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress?: (seen: LoadProgress) => void },
): Promise<LoadResult> {
  const address = gateway.address();
  if (address === undefined) throw new Error('the gateway does not listen yet');
  const { host, port, token } = address;
  const { project, endpoint, variant, body } = target;
  const before = gateway.figures();
  const plan: LoadPlan = {
    ...shape,
    host,
    port,
    path: `/p/${encodeURIComponent(project)}/endpoints/${encodeURIComponent(endpoint)}/invocations`,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      host: `127.0.0.1:${port}`,
      authorization: `Bearer ${token}`,
      // Test requests are not recorded as predictions.
      'dais-capture': 'off',
      ...(variant !== undefined && { 'dais-variant': variant }),
    },
    body,
  };
  const seen = await follow(plan, signal, progress);
  const after = await lastWord(gateway);
  const same = before !== undefined && after?.startedAt === before.startedAt;
  const used = same && before.cpuMs !== undefined && after.cpuMs !== undefined ? after.cpuMs - before.cpuMs : undefined;
  return {
    seen,
    cpuMicros: used === undefined || seen.requests === 0 ? undefined : Math.round((used * 1000) / seen.requests),
  };
}

const NOTHING: LoadProgress = {
  elapsedMs: 0,
  requests: 0,
  failed: 0,
  late: 0,
  p50Ms: null,
  p90Ms: null,
  p99Ms: null,
  failure: undefined,
};

async function follow(
  plan: LoadPlan,
  signal: AbortSignal,
  progress: ((seen: LoadProgress) => void) | undefined,
): Promise<LoadProgress> {
  const thread = startThread(programUrl(import.meta.url, './load-thread'), plan);
  let last = NOTHING;
  try {
    return await new Promise<LoadProgress>((resolve, reject) => {
      const abort = () => resolve(last);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      thread.on('message', ({ seen, done }: FromLoad) => {
        last = seen;
        progress?.(seen);
        if (done) resolve(seen);
      });
      thread.once('error', reject);
      thread.once('exit', () => {
        signal.removeEventListener('abort', abort);
        resolve(last);
      });
    });
  } finally {
    await thread.terminate();
  }
}

/** Waits for a new report of the gateway, so that all requests are included. */
async function lastWord(gateway: GatewayLink): Promise<GatewayFigures | undefined> {
  const now = Date.now();
  const since = new Date(now).toISOString();
  for (;;) {
    const figures = gateway.figures();
    if (figures === undefined || figures.at > since || Date.now() > now + LAST_WORD_MS) return figures;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
}
