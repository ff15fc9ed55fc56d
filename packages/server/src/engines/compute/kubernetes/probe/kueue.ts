/** Whether Kueue can order the tasks of a target. */
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { found } from '../cluster-view.ts';
import { KUEUE_GROUP, kueueVersion, unknownVersions } from '../plan/queue-objects.ts';
import { missingQueuePermissions } from './permission-review.ts';

export interface KueueFindings {
  readonly isInstalled: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface KueueQuestion {
  /** LocalQueue of the target. */
  readonly queue: string | undefined;
  /** Namespace of test tasks. */
  readonly probed: string;
  /** Namespaces of projects, which exist. */
  readonly namespaces: readonly string[];
  readonly signal: AbortSignal;
}

/** @throws errors of the client */
export async function probeKueue(
  client: ClusterClient,
  { queue, probed, namespaces, signal }: KueueQuestion,
): Promise<KueueFindings> {
  const served = await servedVersions(client, signal);
  const findings = { isInstalled: served !== undefined, problems: [], warnings: [] };
  if (queue === undefined) return findings;
  if (served === undefined) {
    const remedy = 'Install it, or remove `spec.kueue`.';
    return { ...findings, problems: [`The target has the queue \`${queue}\`, but Kueue is not installed. ${remedy}`] };
  }
  const version = kueueVersion(served);
  if (version === undefined) return { ...findings, problems: [unknownVersions(served)] };
  const problems: string[] = [];
  for (const namespace of namespaces) {
    try {
      const reference = { group: KUEUE_GROUP, version, resource: 'localqueues', namespace, name: queue };
      if ((await found(client.get(reference, { signal }))) !== undefined) continue;
      problems.push(
        `The namespace \`${namespace}\` has no LocalQueue \`${queue}\`, so its steps wait. Create it there, or correct \`spec.kueue.queue\`.`,
      );
    } catch (error) {
      // The review of permissions names it.
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
    }
  }
  const missing = await missingQueuePermissions(client, probed, signal);
  const effect = 'Without it, waiting steps do not show the reason of Kueue.';
  return { ...findings, problems, warnings: missing.map((sentence) => `${sentence} ${effect}`) };
}

/** Undefined: the API server does not serve Kueue, or does not say so to Dais. */
async function servedVersions(client: ClusterClient, signal: AbortSignal): Promise<readonly string[] | undefined> {
  try {
    const { versions } = JSON.parse(await client.read(`/apis/${KUEUE_GROUP}`, {}, { signal })) as {
      readonly versions: readonly { readonly version: string }[];
    };
    return versions.map(({ version }) => version);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}
