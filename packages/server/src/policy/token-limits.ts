/** Enforces the limits of a token, independent of the permissions of its owner. Pure. */
import { DaisError } from '@dais/api';
import type { Question } from '#kernel/principal.ts';
import { matchesScope } from '#policy/identity/tokens/scopes.ts';

export interface BeyondToken {
  readonly policy: 'token-scopes' | 'token-project';
  readonly detail: string;
}

/** Undefined: within. */
export function beyondToken({ principal, operation, project, target }: Question): BeyondToken | undefined {
  const { scopes, project: bound } = principal;
  if (scopes !== undefined && !scopes.some((scope) => matchesScope(scope, operation.action))) {
    const detail = `The scopes of the token (${scopes.join(', ')}) do not include ${operation.action}. Use another token.`;
    return { policy: 'token-scopes', detail };
  }
  const ownProject = target.kind === 'Project' && target.name === bound && operation.action.endsWith(':read');
  const isWithin = bound === undefined || project === bound || operation.self === true;
  if (isWithin || (project === '' && ownProject)) return undefined;
  const detail = `The token is limited to project "${bound}", and ${operation.action} is outside this project. Use another token.`;
  return { policy: 'token-project', detail };
}

/** @throws DaisError `forbidden` */
export function requireWithinToken(question: Question): void {
  const beyond = beyondToken(question);
  if (beyond !== undefined) throw new DaisError('forbidden', beyond.detail);
}
