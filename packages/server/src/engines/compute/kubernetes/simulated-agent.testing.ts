/** Speaks for the agent of a pod on a simulated node, which runs no containers: with the token of the pod, without a command. */
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { SimulatedPod } from '../../../../../../conformance/kubernetes/simulated-nodes.ts';
import {
  AGENT_PATHS,
  type BeatRequest,
  type BeatResponse,
  type BeginRequest,
  type BeginResponse,
  type EndRecord,
} from './agent-api.ts';
import { attemptOf, LABELS, tokenAudience } from './plan/names.ts';

interface AgentPod {
  readonly spec: {
    readonly serviceAccountName: string;
    readonly nodeName: string;
    readonly initContainers: readonly { readonly command: readonly string[] }[];
  };
}

export interface SimulatedCommand {
  /** Resolves when the command ends by itself. */
  readonly ends: (attempt: string) => Promise<void>;
}

/** Time that a simulated agent waits for an order (ms). */
const BEAT_MS = 500;

/** Begins and ends the attempt of a pod. Returns the attempt if this pod runs its command, which ends at once by default, or by an order of Dais. */
export async function simulateAgent(
  admin: ClusterClient,
  pod: SimulatedPod,
  command?: SimulatedCommand,
): Promise<string | undefined> {
  const { name, uid = '', namespace = '' } = pod.metadata;
  const { serviceAccountName, nodeName, initContainers } = (pod as unknown as AgentPod).spec;
  const url = initContainers[0]?.command.find((arg) => arg.startsWith('--url='))?.slice('--url='.length) ?? '';
  const attempt = attemptOf(pod.metadata) ?? '';
  const labels = pod.metadata.labels ?? {};
  const audience = tokenAudience(labels[LABELS.installation] ?? '', attempt);
  const request = await admin.review(
    { version: 'v1', resource: 'serviceaccounts', namespace, name: serviceAccountName, subresource: 'token' },
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    },
  );
  const { token } = request['status'] as { readonly token: string };
  const begin: BeginRequest = {
    attempt,
    round: 1,
    pod: { name, uid, ip: '10.0.0.1', node: nodeName },
    at: Date.now(),
    resumes: false,
  };
  const answer = (await post(`${url}${AGENT_PATHS.begin}`, token, begin)) as BeginResponse;
  if (answer.answer !== 'go') return undefined;
  const startedAt = Date.now();
  const isCanceled = command !== undefined && (await isStopped(url, answer.session, command.ends(attempt), startedAt));
  const end: EndRecord = {
    ...(isCanceled ? { end: 'canceled', signal: 'SIGTERM' } : { end: 'exit', code: 0 }),
    startedAt,
    endedAt: Date.now() + 1,
    usage: { wallMs: 1, cpuMs: 1, peakMemoryBytes: 1 },
    memoryKills: 0,
    log: { position: 0 },
    outputs: [],
  };
  await post(`${url}${AGENT_PATHS.end}`, answer.session, end);
  return attempt;
}

/** Asks for orders until the command ends. Returns whether Dais stopped it. */
async function isStopped(url: string, session: string, ends: Promise<void>, startedAt: number): Promise<boolean> {
  for (;;) {
    const beat: BeatRequest = { phase: 'running', startedAt, logPosition: 0, waitMs: BEAT_MS };
    const answered = post(`${url}${AGENT_PATHS.beat}`, session, beat) as Promise<BeatResponse | undefined>;
    const response = await Promise.race([answered, ends.then(() => 'over' as const)]);
    if (response === 'over') return false;
    if (response?.order !== undefined) return true;
  }
}

async function post(url: string, token: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}
