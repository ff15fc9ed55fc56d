/** Whether Kueue can order the tasks of a target. */
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { found } from '../cluster-view.ts';

const GROUP = 'kueue.x-k8s.io';

export interface KueueFindings {
  readonly isInstalled: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface KueueQuestion {
  /** LocalQueue of the target. */
  readonly queue: string | undefined;
  /** Namespaces of projects, which exist. */
  readonly namespaces: readonly string[];
  readonly signal: AbortSignal;
}

/** @throws errors of the client */
export async function probeKueue(
  client: ClusterClient,
  { queue, namespaces, signal }: KueueQuestion,
): Promise<KueueFindings> {
  const version = await servedVersion(client, signal);
  const findings = { isInstalled: version !== undefined, problems: [], warnings: [] };
  if (queue === undefined) return findings;
  if (version === undefined) {
    const remedy = 'Install it, or remove `spec.kueue`.';
    return { ...findings, problems: [`The target has the queue \`${queue}\`, but Kueue is not installed. ${remedy}`] };
  }
  const problems: string[] = [];
  for (const namespace of namespaces) {
    try {
      const reference = { group: GROUP, version, resource: 'localqueues', namespace, name: queue };
      if ((await found(client.get(reference, { signal }))) !== undefined) continue;
      problems.push(
        `The namespace \`${namespace}\` has no LocalQueue \`${queue}\`, so its steps wait. Create it there, or correct \`spec.kueue.queue\`.`,
      );
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      const rule = `{apiGroups: ["${GROUP}"], resources: ["localqueues"], verbs: ["get"]}`;
      const what = `Dais may not read whether the LocalQueue \`${queue}\` exists in the namespaces of projects.`;
      return { ...findings, warnings: [`${what} Add the rule ${rule} to its ClusterRole.`] };
    }
  }
  return { ...findings, problems };
}

/** Undefined: the API server does not serve Kueue, or does not say so to Dais. */
async function servedVersion(client: ClusterClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const group = JSON.parse(await client.read(`/apis/${GROUP}`, {}, { signal })) as {
      readonly preferredVersion?: { readonly version?: string };
    };
    return group.preferredVersion?.version;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}
