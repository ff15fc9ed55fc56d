/** Fields of a compute target that is a Kubernetes cluster. */
import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { labelNameSchema } from '#manifest.ts';

/** Names of Kubernetes: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const dnsLabel = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
  message: 'lower-case letters, digits and `-`, at most 63',
});
const labels = z.record(z.string().min(1).max(317), z.string().max(63));
const cidr = z.union([z.cidrv4(), z.cidrv6()]);

const nodeSelector = labels.optional().describe('Labels that the nodes must have.');
const tolerations = z
  .array(
    z.strictObject({
      key: z.string().min(1).max(317).optional().describe('Key of the taint. Default: every key, with `Exists`.'),
      operator: z.enum(['Exists', 'Equal']).optional().describe('Default: `Equal`.'),
      value: z.string().max(63).optional().describe('Value of the taint, for `Equal`.'),
      effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional().describe('Default: every effect.'),
      tolerationSeconds: z.int().min(0).max(86_400).optional().describe('For `NoExecute`. Default: without limit.'),
    }),
  )
  .max(50)
  .optional()
  .describe('Taints of nodes that the pods tolerate.');

/** Steps of a target at the same time, unless its manifest says otherwise. */
export const DEFAULT_MAX_TASKS = 200;

/** Of a few authorities: the text is in the manifest of each pod. */
const MAX_AUTHORITY_CHARACTERS = 32_768;

const imageName = z.string().min(1).max(512);

const networkPeer = z.strictObject({
  cidr: cidr.optional().describe('Addresses outside of the cluster: `10.1.2.3/32`.'),
  namespaceLabels: labels.optional().describe('Instead of `cidr`: labels of the namespace of pods in the cluster.'),
  podLabels: labels.optional().describe('With `namespaceLabels`: labels of the pods. Default: all pods.'),
  ports: z.array(z.int().min(1).max(65_535)).min(1).max(20).describe('TCP ports of the pods, not of their Service.'),
});

export const clusterFields = {
  cluster: z
    .strictObject({
      inCluster: z
        .boolean()
        .optional()
        .describe('The cluster in which Dais runs, with the service account of its pod.'),
      kubeconfig: z
        .strictObject({
          project: labelNameSchema.default('default').describe('Project of the Secret.'),
          secret: z.string().min(1).max(256).describe('Name of the Secret.'),
          key: z.string().min(1).max(128).default('kubeconfig').describe('The key inside that Secret.'),
          context: z.string().min(1).max(256).optional().describe('Context. Default: `current-context`.'),
        })
        .optional()
        .describe(
          'Another cluster: a kubeconfig from a Secret, as written by `kubectl config view --minify --flatten --raw`. Users who can write the Secret decide where the steps of all projects run.',
        ),
    })
    .optional()
    .describe('How Dais reaches the cluster: exactly one of `inCluster` and `kubeconfig`.'),
  projects: z
    .array(labelNameSchema)
    .max(10_000)
    .optional()
    .describe('Projects whose steps may run there. Default: all projects.'),
  namespacePrefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, { message: 'lower-case letters, digits and `-`, at most 31' })
    .optional()
    .describe('Each project has a namespace of its own: this prefix and the name of the project. Default: `dais-`.'),
  agent: z
    .strictObject({
      image: imageName
        .optional()
        .describe(
          'Image of Dais, whose agent runs in the pod of each step. Default: `executions.agentImage` of the configuration.',
        ),
      url: z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .optional()
        .describe(
          'URL at which the pods reach Dais. Default: `executions.agentUrl` of the configuration, else the public URL of the server.',
        ),
      ca: z
        .string()
        .max(MAX_AUTHORITY_CHARACTERS)
        .regex(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/, {
          message: 'certificates in PEM format: `-----BEGIN CERTIFICATE-----` …',
        })
        .optional()
        .describe(
          'Certificate authorities of `url` in addition to the public ones, in PEM format. Default: `executions.agentCa` of the configuration.',
        ),
      peers: z
        .array(networkPeer)
        .max(20)
        .optional()
        .describe(
          'Destinations of `url` for network policies. Default: the addresses of its host name, or the pods of Dais with `inCluster`.',
        ),
    })
    .optional()
    .describe('The agent: it gives the command to the container of the step, and stores its log and outputs.'),
  image: imageName
    .optional()
    .describe(
      'Image for steps that name none. Steps with Python packages need a glibc of the same or a newer version than the server. Default: the image of the agent.',
    ),
  maxTasks: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      `Maximum steps in the cluster at the same time, those that wait for a node included. Default: ${DEFAULT_MAX_TASKS}.`,
    ),
  nodeSelector,
  tolerations,
  pools: z
    .record(
      labelNameSchema,
      z.strictObject({
        description: z.string().max(1024).optional().describe('Description.'),
        nodeSelector,
        tolerations,
        resources: z
          .array(z.string().min(1).max(128))
          .max(20)
          .optional()
          .describe('Devices of its nodes: a step that requests one of them and names no pool runs in this one.'),
        spot: z
          .boolean()
          .optional()
          .describe('Nodes that the cloud can remove at any time. Only steps that name the pool run there.'),
        priorityClass: dnsLabel.optional().describe('Priority class of its pods. Default: that of the target.'),
        runtimeClass: dnsLabel.optional().describe('Runtime class of its pods. Default: that of the target.'),
      }),
    )
    .refine((pools) => Object.keys(pools).length <= 50, 'at most 50 pools')
    .optional()
    .describe('Pools of nodes that steps can choose with `pool`.'),
  priorityClass: dnsLabel.optional().describe('Priority class of the pods.'),
  runtimeClass: dnsLabel.optional().describe('Runtime class of the pods, such as `gvisor` or `kata`.'),
  serviceAccount: z
    .strictObject({
      name: dnsLabel.optional().describe('Name of the service account of the steps. Default: `dais-task`.'),
      annotations: z
        .record(z.string().min(1).max(317), z.string().max(2048))
        .optional()
        .describe('Identity at a cloud: `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`.'),
    })
    .optional()
    .describe('Service account of the steps. It has no permissions in the cluster, and steps get no token of it.'),
  pullSecrets: z
    .array(dnsLabel)
    .max(20)
    .optional()
    .describe('Secrets for registries. They must exist in the namespace of each project.'),
  readOnlyRoot: z
    .boolean()
    .optional()
    .describe('Read-only root file system. Set false for images that write outside of /work and /tmp. Default: true.'),
  kueue: z
    .strictObject({
      queue: dnsLabel.describe('LocalQueue in the namespace of each project.'),
    })
    .optional()
    .describe('Kueue orders the steps instead of Dais.'),
  pendingMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .optional()
    .describe('Minutes after which a step without a node fails. Default: without limit, for autoscalers.'),
} as const;

type ClusterSpec = z.output<z.ZodObject<typeof clusterFields>> & { readonly type: string };

/** Fields that only clusters have, and how they depend on each other. */
export function checkCluster(spec: ClusterSpec): Issue[] {
  const used = Object.keys(clusterFields).filter((name) => spec[name as keyof typeof clusterFields] !== undefined);
  if (spec.type !== 'kubernetes') {
    return used.map((name) => ({
      path: `spec.${name}`,
      message: 'is only for targets of the type `kubernetes`',
      expected: 'type: kubernetes',
    }));
  }
  const { cluster, agent, pools = {} } = spec;
  const issues: Issue[] = [];
  const isOne = (cluster?.inCluster === true) !== (cluster?.kubeconfig !== undefined);
  if (!isOne) {
    issues.push({
      path: 'spec.cluster',
      message: 'must contain exactly one of `inCluster: true` and `kubeconfig`',
      expected: '{ inCluster: true }',
    });
  }
  for (const [at, { cidr: addresses, namespaceLabels, podLabels }] of (agent?.peers ?? []).entries()) {
    const isValid =
      (addresses === undefined) !== (namespaceLabels === undefined) &&
      (podLabels === undefined || namespaceLabels !== undefined);
    if (isValid) continue;
    issues.push({
      path: `spec.agent.peers[${at}]`,
      message: 'must contain either `cidr`, or `namespaceLabels` with or without `podLabels`',
    });
  }
  const owners = new Map<string, string>();
  for (const [name, { resources = [], spot = false }] of Object.entries(pools)) {
    if (spot) continue;
    for (const [at, resource] of resources.entries()) {
      const other = owners.get(resource);
      if (other === undefined) {
        owners.set(resource, name);
        continue;
      }
      issues.push({
        path: `spec.pools.${name}.resources[${at}]`,
        message: `${resource} is in pool "${other}" already, so that the pool of a step is not unique`,
      });
    }
  }
  return issues;
}
