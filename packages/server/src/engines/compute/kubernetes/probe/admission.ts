/** What the rules of a cluster say about the objects of Dais: webhooks, policies, pod security and quotas. Nothing is stored. */
import { ApiError } from '#lib/kubernetes/api-error.ts';
import { classifyFailure } from '#lib/kubernetes/classify-failure.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { applyProject, type ProjectSetup } from '../apply-project.ts';
import { planJob } from '../plan/pod-plan.ts';
import { planProjectObjects } from '../plan/project-objects.ts';
import type { TargetOptions } from '../plan/target-options.ts';

export interface AdmissionQuestion {
  /** With the namespace of a project. */
  readonly target: TargetOptions;
  readonly setup: ProjectSetup;
  readonly namespaceExists: boolean;
  readonly signal: AbortSignal;
}

/** Returns a sentence for each rejection. */
export async function admissionProblems(
  client: ClusterClient,
  { target, setup, namespaceExists, signal }: AdmissionQuestion,
): Promise<readonly string[]> {
  const { namespace } = target;
  const options = { dryRun: true, signal };
  // Without the namespace, its objects cannot be tested, and the Job only where another namespace exists surely.
  const place = namespaceExists ? namespace : 'default';
  const task = { attempt: 'probe', specDigest: '0'.repeat(32), resources: {}, limits: {}, network: false };
  const job = planJob(task, { ...target, namespace: place }, 1);
  const jobs = { group: 'batch', version: 'v1', resource: 'jobs', namespace: place };
  const calls = [
    async () => {
      if (namespaceExists) return await applyProject(client, target, setup, options);
      const [object] = planProjectObjects(setup.project, target, setup.network) as readonly KubernetesObject[];
      const reference = { version: 'v1', resource: 'namespaces', name: namespace };
      if (object !== undefined) await client.apply(reference, object, { ...options, force: true });
    },
    async () => void (await client.create(jobs, job, options)),
    // Most rules concern pods. Dais creates none itself, so that it may have no permission for it.
    async () => {
      if (!namespaceExists) return;
      const { metadata, spec } = job.spec.template;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: job.metadata.name }, spec };
      await client.create({ version: 'v1', resource: 'pods', namespace }, pod, options);
    },
  ];
  const found = await Promise.all(
    calls.map(async (call) => {
      try {
        await call();
        return undefined;
      } catch (error) {
        return problemOf(error);
      }
    }),
  );
  return [...new Set(found.filter((problem) => problem !== undefined))];
}

/** @throws errors of the client that are no rejection */
function problemOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) throw error;
  const { kind, message } = classifyFailure(error) ?? {};
  // The review of permissions names the missing ones of them.
  if (kind === 'forbidden' || kind === undefined || message === undefined) return undefined;
  // That there are as many tasks as permitted is no problem of the target.
  if (kind === 'quota' && /exceeded quota: dais,/.test(error.message)) return undefined;
  // Nothing is known about what it says to a real object.
  if (/does not support dry run/.test(error.message)) return undefined;
  return message;
}
