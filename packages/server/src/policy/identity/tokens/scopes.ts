/** Limits of tokens: patterns of actions, `secret:read`, `secret:*` or `*:read`. */
import { DaisError, nearest, type Issue } from '@dais/api';

export function matchesScope(pattern: string, action: string): boolean {
  const [noun = '', verb = ''] = pattern.split(':');
  const [actionNoun = '', actionVerb = ''] = action.split(':');
  return (noun === '*' || noun === actionNoun) && (verb === '*' || verb === actionVerb);
}

/**
 * Each scope must be a valid pattern, match an action, and be covered by `within`, if set.
 * @throws DaisError `invalid_request` with all errors.
 */
export function checkScopes(
  scopes: readonly string[],
  actions: readonly string[],
  within: readonly string[] | undefined,
): void {
  const issues = scopes.flatMap((scope, index): Issue[] => {
    const path = `scopes[${index}]`;
    if (!/^(?:[a-zA-Z]+|\*):(?:[a-zA-Z-]+|\*)$/.test(scope) || scope === '*:*') {
      return [
        { path, message: `"${scope}" is not a pattern of actions`, expected: '`secret:read`, `secret:*` or `*:read`' },
      ];
    }
    if (!actions.some((action) => matchesScope(scope, action))) {
      const near = nearest(scope, actions);
      return [{ path, message: `there is no action "${scope}"`, ...(near !== undefined && { nearest: near }) }];
    }
    // A pattern covers another one when it matches it as if it were an action: `secret:*` covers `secret:read`.
    if (within?.some((outer) => matchesScope(outer, scope)) === false) {
      return [{ path, message: `"${scope}" exceeds the scopes of the calling token`, expected: within.join(', ') }];
    }
    return [];
  });
  if (issues.length > 0) {
    throw new DaisError('invalid_request', `The scopes are not valid: ${issues[0]?.message}.`, { issues });
  }
}
