/** Asks the API server what Dais may do. */
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import {
  CLUSTER_PERMISSIONS,
  QUEUE_PERMISSIONS,
  SETUP_PERMISSIONS,
  TASK_PERMISSIONS,
  type PermissionRule,
} from '../plan/permissions.ts';

interface Question {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
}

/** Returns a sentence for each missing rule, with the rule to add. @throws errors of the client */
export async function missingPermissions(
  client: ClusterClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const ofNamespace = questionsOf([...TASK_PERMISSIONS, ...SETUP_PERMISSIONS], namespace);
  return await sentencesOf(client, [...questionsOf(CLUSTER_PERMISSIONS), ...ofNamespace], signal);
}

/** The same for targets with a queue of Kueue. Without these, tasks run, and nobody learns what they wait for. */
export async function missingQueuePermissions(
  client: ClusterClient,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return await sentencesOf(client, questionsOf(QUEUE_PERMISSIONS, namespace), signal);
}

async function sentencesOf(
  client: ClusterClient,
  questions: readonly Question[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const answers = await Promise.all(questions.map(async (question) => await isPermitted(client, question, signal)));
  const missing = questions.filter((_, index) => answers[index] !== true);
  return group(missing).map(sentenceOf);
}

/** Returns why a view of the namespace stays empty: the permissions that are missing. Undefined: they are there. */
export async function explainSilence(client: ClusterClient, namespace: string): Promise<string | undefined> {
  const missing = await missingPermissions(client, namespace);
  return missing.length === 0 ? undefined : missing.join(' ');
}

function questionsOf(rules: readonly PermissionRule[], namespace?: string): Question[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => {
          // A namespace is an object of the cluster.
          const isWhole = namespace === undefined || resource === 'namespaces';
          return { group, resource, verb, ...(isWhole ? {} : { namespace }) };
        }),
      ),
    ),
  );
}

async function isPermitted(
  client: ClusterClient,
  { group, resource, verb, namespace }: Question,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const target = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' };
  const review = await client.review(
    target,
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { group, resource, verb, ...(namespace !== undefined && { namespace }) } },
    },
    signal === undefined ? {} : { signal },
  );
  return (review['status'] as { readonly allowed?: boolean } | undefined)?.allowed === true;
}

interface MissingRule extends Omit<Question, 'verb'> {
  readonly verbs: readonly string[];
}

/** One rule for all verbs of a resource. */
function group(missing: readonly Question[]): MissingRule[] {
  const rules = new Map<string, MissingRule>();
  for (const { verb, ...of } of missing) {
    const key = JSON.stringify(of);
    rules.set(key, { ...of, verbs: [...(rules.get(key)?.verbs ?? []), verb] });
  }
  return [...rules.values()];
}

function sentenceOf({ group: apiGroup, resource, verbs, namespace }: MissingRule): string {
  const list = verbs.map((verb) => `"${verb}"`).join(', ');
  const rule = `{apiGroups: ["${apiGroup}"], resources: ["${resource}"], verbs: [${list}]}`;
  const [where, role] =
    namespace === undefined
      ? ['in the cluster', 'its ClusterRole']
      : [`in namespace \`${namespace}\``, 'its Role there or its ClusterRole'];
  return `Dais may not ${verbs.join(', ')} ${resource} ${where}. Add the rule ${rule} to ${role}.`;
}
