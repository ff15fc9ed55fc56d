/**
 * Feast's projects are Dais's. Feast writes `my_repo` where Dais, whose names become part of addresses, writes `my-repo`;
 * neither allows the other's mark, so that each name has exactly one of the other kind.
 */
import { labelNameSchema } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import { invalid } from './feast-errors.ts';

/** @throws FeastFault for a name that no project can have. */
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

/** The same call, for this project beside those that the request names. */
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
