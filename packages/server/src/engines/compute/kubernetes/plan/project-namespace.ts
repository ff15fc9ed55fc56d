import { createHash } from 'node:crypto';

/** Limit of Kubernetes for the name of a namespace. Only shortened names have this length, so that none equals the name of another project. */
const MAX_NAMESPACE = 63;
const HASH_CHARACTERS = 12;

/** Returns the namespace of a project. Long names end with a hash, so that no two projects share a namespace. */
export function projectNamespace(prefix: string, project: string): string {
  const name = `${prefix}${project}`;
  if (name.length < MAX_NAMESPACE) return name;
  const hash = createHash('sha256').update(project).digest('hex').slice(0, HASH_CHARACTERS);
  return `${name.slice(0, MAX_NAMESPACE - HASH_CHARACTERS - 1)}-${hash}`;
}
