/** A client for tests of clusters, and what they wait for. */
import { expect } from 'vitest';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { ClusterClient } from '../../packages/server/src/lib/kubernetes/cluster-client.ts';
import { readKubeconfig } from '../../packages/server/src/lib/kubernetes/kubeconfig.ts';
import type { KubernetesObject, ObjectReference } from '../../packages/server/src/lib/kubernetes/kubernetes-object.ts';

export async function testClient(kubeconfig: string): Promise<ClusterClient> {
  const config = await readKubeconfig(kubeconfig, { fail: (detail) => new Error(detail) });
  return new ClusterClient({ config, clock: systemClock, environment: {}, writesPerSecond: 2000 });
}

/** Waits until an object exists and is as expected, and returns it. */
export async function untilObject(
  client: ClusterClient,
  reference: ObjectReference,
  isExpected: (object: KubernetesObject) => boolean,
): Promise<KubernetesObject> {
  let found: KubernetesObject | undefined;
  await expect
    .poll(
      async () => {
        found = await client.get(reference).catch(() => undefined);
        return found !== undefined && isExpected(found);
      },
      { timeout: 120_000, interval: 100, message: `${reference.resource} ${reference.name}` },
    )
    .toBe(true);
  return found as KubernetesObject;
}

/** Returns `Complete` or `Failed`. */
export async function untilJobEnds(client: ClusterClient, job: ObjectReference): Promise<string> {
  const ended = ({ [`status`]: status }: KubernetesObject) =>
    (
      status as { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
    ).conditions?.find(({ type, status: value }) => value === 'True' && (type === 'Complete' || type === 'Failed'))
      ?.type;
  return ended(await untilObject(client, job, (object) => ended(object) !== undefined)) ?? '';
}
