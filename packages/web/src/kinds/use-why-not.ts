import { refusedByState, resourceOperations, type KindSpec, type Resource } from '@dais/api';
import { useMemo } from 'react';
import { resourceState } from './resource-state.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';

/** Returns why the viewer cannot do something, and the remedy; undefined: no reason is known. */
export type WhyNot = (verb: string) => string | undefined;

/**
 * Returns why the verbs of a kind or of one resource are unavailable: its state, by the table that the server also
 * uses, or policies. The server decides each request again; this only avoids requests that it would refuse.
 */
export function useWhyNot(kind: KindSpec, project: string, resource?: Resource): WhyNot {
  const policies = usePolicies(kind, project, resource?.metadata.name);
  return (verb) => (resource === undefined ? undefined : stateWhy(kind, verb, resource)) ?? policies(verb);
}

function stateWhy(kind: KindSpec, verb: string, resource: Resource): string | undefined {
  const { name, deletionRequestedAt } = resource.metadata;
  const deleting = deletionRequestedAt !== undefined;
  const refused = refusedByState(verb, { kind: kind.kind, name, deleting })?.message;
  // Deleting twice is allowed and has no effect.
  const refusal = refused ?? (deleting && verb === 'delete' ? 'The resource is already being deleted.' : undefined);
  return refusal === undefined ? undefined : `${refusal} ${resourceState(resource)?.why ?? ''}`.trim();
}

/** Requests decisions only where permissions depend on the resource. */
function usePolicies(kind: KindSpec, project: string, name: string | undefined): WhyNot {
  const actions = useMemo(() => actionsOf(kind), [kind]);
  const reasonOf = useWhyNotDo(project, kind.kind, [...actions.values()], name);
  return (verb) => reasonOf(actions.get(verb) ?? '');
}

/** `secret:write` by `update`. */
function actionsOf(kind: KindSpec): ReadonlyMap<string, string> {
  const writes = resourceOperations(kind).filter(({ mode }) => mode === 'write');
  return new Map(writes.map(({ name, action }) => [name.split('.')[1] ?? '', action]));
}
