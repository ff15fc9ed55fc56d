/** Resources as YAML text, and back. Loaded with the pages that need it: the YAML library is heavy. */
import type { Resource, Revision } from '@dais/api';
import { stringify } from 'yaml';

/** Returns the fields that a user writes, without those that the platform maintains. */
export function manifestText({ apiVersion, kind, metadata, spec }: Resource): string {
  const { name, labels, annotations } = metadata;
  return text({ apiVersion, kind, metadata: { name, ...filled({ labels, annotations }) }, spec });
}

/** A revision in the form of `manifestText`, so that the two can be compared. */
export function revisionText(resource: Pick<Resource, 'kind' | 'metadata'>, revision: Revision): string {
  const { apiVersion, labels, annotations, spec } = revision;
  const metadata = { name: resource.metadata.name, ...filled({ labels, annotations }) };
  return text({ apiVersion, kind: resource.kind, metadata, spec });
}

/** Everything, including the status. */
export function resourceText(resource: Resource): string {
  return text(resource);
}

function text(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

function filled(parts: Readonly<Record<string, Readonly<Record<string, string>>>>): object {
  return Object.fromEntries(Object.entries(parts).filter(([, map]) => Object.keys(map).length > 0));
}
