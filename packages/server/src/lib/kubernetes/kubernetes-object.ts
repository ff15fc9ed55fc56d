/** Objects and paths of the Kubernetes API, without generated types: callers narrow what they read. */

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly [field: string]: unknown;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

/** A collection of objects of one type, in one namespace or in the whole cluster. */
export interface Collection {
  /** API group; absent for the core group (`/api/v1`). */
  readonly group?: string;
  readonly version: string;
  /** Plural name in the URL: `jobs`. */
  readonly resource: string;
  /** Absent for cluster-scoped types, and for all namespaces. */
  readonly namespace?: string;
}

export interface ObjectReference extends Collection {
  readonly name: string;
  /** `status`, `scale`, `log`, `token`. */
  readonly subresource?: string;
}

/** The text of a sentence about `collection`: `jobs.batch in namespace "training"`. */
export function describeCollection({ group, resource, namespace }: Collection): string {
  const type = group === undefined ? resource : `${resource}.${group}`;
  return namespace === undefined ? type : `${type} in namespace "${namespace}"`;
}

/** @throws Error for a name that is not one segment of a path, because it would address another object. */
export function pathOf(reference: Collection | ObjectReference): string {
  const { group, version, resource, namespace } = reference;
  const segments = group === undefined ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) segments.push('namespaces', namespace);
  segments.push(resource);
  if ('name' in reference) segments.push(reference.name);
  if ('subresource' in reference && reference.subresource !== undefined) segments.push(reference.subresource);
  return segments.map((segment) => `/${checkSegment(segment)}`).join('');
}

/** Key of an object in caches: `namespace/name`, and `name` for cluster-scoped objects. */
export function keyOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** Whether a value of JSON or YAML is an object with fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The rule of the API server for names in paths. */
function checkSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..' || /[/%]/.test(segment)) {
    throw new Error(`${JSON.stringify(segment)} cannot be a part of a Kubernetes API path`);
  }
  return encodeURIComponent(segment);
}
