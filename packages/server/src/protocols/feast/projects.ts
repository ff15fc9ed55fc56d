/**
 * Maps Feast projects to Dais projects. Feast uses `my_repo` where Dais uses `my-repo`, because its names are part of URLs.
 * Neither allows the separator of the other, so the mapping is one-to-one.
 */
import { labelNameSchema } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import { invalid } from './feast-errors.ts';

/** Converts a project name of Feast. @throws FeastError for an invalid name */
export function daisProject(feast: string): string {
  const name = feast.replaceAll('_', '-');
  if (labelNameSchema.safeParse(name).success) return name;
  throw invalid(
    `"${feast.slice(0, 80)}" cannot be a project name in Dais. Change \`project\` in feature_store.yaml: lower-case letters, digits and \`_\`, starting and ending with a letter or digit, at most 63 characters.`,
  );
}

export function feastProject(dais: string): string {
  return dais.replaceAll('-', '_');
}

/** Returns the same call, for this project in addition to those of the request. */
export function inProject(context: CallContext, feast: string): CallContext {
  if (feast === '') return context;
  const { principal, requestId, origin, client } = context;
  return {
    principal,
    requestId,
    origin,
    projects: [...context.projects, daisProject(feast)],
    ...(client !== undefined && { client }),
    get signal() {
      return context.signal;
    },
  };
}
