/** Tests with pods whether optional features work: a cluster can accept them although its nodes cannot run them. */
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { planJob } from '../plan/pod-plan.ts';
import type { TargetOptions } from '../plan/target-options.ts';

export interface FeatureProbe {
  /** With the namespace of test tasks. */
  readonly target: TargetOptions;
  /** When a pod that has not ended does not work, as known in this moment. */
  readonly until: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Feature = 'image-volumes' | 'user-namespaces';

const FEATURES: readonly Feature[] = ['image-volumes', 'user-namespaces'];
/** The images are on the node already, or are pulled for the test task at the same time. */
export const POD_MS = 45_000;
const POLL_MS = 1000;
/** The cluster removes the Job itself if Dais is killed. */
const TTL_SECONDS = 60;
const IMAGE_PATH = '/image';

/** Returns the features that work. Never throws for what the cluster does. @throws the reason of `signal` */
export async function probeFeatures(client: ClusterClient, probe: FeatureProbe): Promise<readonly Feature[]> {
  const works = await Promise.all(FEATURES.map(async (feature) => await runPod(client, feature, probe)));
  return FEATURES.filter((_, index) => works[index]);
}

async function runPod(client: ClusterClient, feature: Feature, probe: FeatureProbe): Promise<boolean> {
  const { until, clock, signal } = probe;
  const job = planFeatureJob(feature, probe.target, clock.now());
  const { name, namespace } = job.metadata;
  const jobs = { group: 'batch', version: 'v1', resource: 'jobs', namespace };
  try {
    // The API server drops the fields of features that are disabled.
    if (!hasFeature(feature, await client.create(jobs, job, { dryRun: true, signal }))) return false;
    await client.create(jobs, job, { signal });
    while (clock.now() < until()) {
      const { status } = (await client.get({ ...jobs, name }, { signal })) as unknown as JobStatus;
      if ((status?.failed ?? 0) > 0) return false;
      if ((status?.succeeded ?? 0) > 0) return true;
      await pause(clock, POLL_MS, signal);
    }
    return false;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Error) return false;
    throw error;
  } finally {
    await remove(client, { ...jobs, name }, clock);
  }
}

interface JobStatus {
  readonly status?: { readonly succeeded?: number; readonly failed?: number };
}

function planFeatureJob(feature: Feature, target: TargetOptions, now: number) {
  const task = { attempt: `${feature}-${now}`, specDigest: '', resources: {}, limits: {}, network: false };
  const planned = planJob(task, { ...target, userNamespaces: feature === 'user-namespaces' }, 1);
  const { initContainers: _agent, containers, volumes: _volumes, ...pod } = planned.spec.template.spec;
  // No label of an attempt: nobody but this probe cares for it.
  const labels = { 'dais.dev/probe': feature };
  const isImage = feature === 'image-volumes';
  const shell = isImage ? `${IMAGE_PATH}/bin/sh` : '/bin/sh';
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `dais-probe-${feature}-${now}`, namespace: target.namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: Math.ceil(POD_MS / 1000),
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          ...pod,
          terminationGracePeriodSeconds: 1,
          containers: containers.map(({ name, image, securityContext }) => ({
            name,
            image,
            securityContext,
            command: [shell, '-c', 'exit 0'],
            ...(isImage && { volumeMounts: [{ name: 'image', mountPath: IMAGE_PATH, readOnly: true }] }),
          })),
          ...(isImage && {
            volumes: [{ name: 'image', image: { reference: target.baseImage, pullPolicy: 'IfNotPresent' } }],
          }),
        },
      },
    },
  };
}

function hasFeature(feature: Feature, job: KubernetesObject): boolean {
  const { spec } = job as unknown as {
    readonly spec: {
      readonly template: {
        readonly spec: { readonly hostUsers?: boolean; readonly volumes?: readonly { readonly image?: object }[] };
      };
    };
  };
  const { hostUsers, volumes = [] } = spec.template.spec;
  return feature === 'user-namespaces' ? hostUsers === false : volumes.some(({ image }) => image !== undefined);
}

/** Also after an abort. The cluster removes what this misses. */
async function remove(client: ClusterClient, job: Parameters<ClusterClient['delete']>[0], clock: Clock): Promise<void> {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      await client.delete(job, { propagationPolicy: 'Background' });
      return;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      await pause(clock, POLL_MS, new AbortController().signal);
    }
  }
}
