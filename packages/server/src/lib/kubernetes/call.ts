/** Queries and bodies of calls of the Kubernetes API. Pure. */
import type { FailedRequest } from './api-error.ts';
import type { CallOptions, ObjectPatch, Selectors, WriteOptions } from './call-options.ts';
import { pathOf, type Collection, type ObjectReference } from './kubernetes-object.ts';

/** One call of the API, before it is authorized. */
export interface Call {
  readonly verb: string;
  readonly method: string;
  /** One of both. */
  readonly target?: Collection | ObjectReference;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly isRepeatable?: boolean;
  readonly options: CallOptions;
}

export function failedRequest({ verb, target, path = '/' }: Call): FailedRequest {
  return target === undefined ? { verb, path } : { verb, target, path: pathOf(target) };
}

export function writeQuery({ dryRun = false }: WriteOptions): Record<string, string> {
  return { fieldValidation: 'Strict', ...(dryRun && { dryRun: 'All' }) };
}

export function selectorQuery({ labelSelector, fieldSelector }: Selectors): Record<string, string> {
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
}

export function mergePatch({ merge, resourceVersion }: Extract<ObjectPatch, { merge: unknown }>): unknown {
  if (resourceVersion === undefined) return merge;
  const metadata = merge['metadata'] as Readonly<Record<string, unknown>> | undefined;
  return { ...merge, metadata: { ...metadata, resourceVersion } };
}

/** `replace`, not `test`: the API server reports a failed test as an invalid request instead of a conflict. */
export function jsonPatch({ operations, resourceVersion }: Extract<ObjectPatch, { operations: unknown }>): unknown {
  if (resourceVersion === undefined) return operations;
  return [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }, ...operations];
}
