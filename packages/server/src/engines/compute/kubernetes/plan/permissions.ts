/** What Dais may do in a cluster: the least that its engine uses. The same rules, in the form of Kubernetes, for roles and for reviews of access. */

export interface PermissionRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** In the whole cluster: capacity, whether the node of a pod is lost, and the verification of the tokens of agents. */
export const CLUSTER_PERMISSIONS: readonly PermissionRule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
];

/** In the namespace of a project. */
export const TASK_PERMISSIONS: readonly PermissionRule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** In the namespace of a project on a target with a queue of Kueue: what a task waits for, and why it was stopped. */
export const QUEUE_PERMISSIONS: readonly PermissionRule[] = [
  { apiGroups: ['kueue.x-k8s.io'], resources: ['workloads', 'localqueues'], verbs: ['get', 'list', 'watch'] },
];

/** In the namespace of a project that Dais sets up itself. A namespace that does not exist requires the last rule in the whole cluster. */
export const SETUP_PERMISSIONS: readonly PermissionRule[] = [
  {
    apiGroups: [''],
    resources: ['serviceaccounts', 'limitranges', 'resourcequotas'],
    verbs: ['get', 'create', 'patch'],
  },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'create', 'patch'] },
];
