/** Possible scopes of a token, from the permissions of its owner. */

export interface AccessItem {
  readonly kind: string;
  readonly action: string;
  readonly decision: 'allow' | 'deny' | 'conditional';
}

export interface ScopeGroup {
  /** `secret`. */
  readonly noun: string;
  /** `read`, `write`: sorted, without denied ones. */
  readonly verbs: readonly string[];
}

/** By noun, in alphabetical order. */
export function scopeGroups(items: readonly AccessItem[]): readonly ScopeGroup[] {
  const verbs = new Map<string, Set<string>>();
  for (const { action, decision } of items) {
    if (decision === 'deny') continue;
    const [noun = '', verb = ''] = action.split(':');
    verbs.set(noun, (verbs.get(noun) ?? new Set()).add(verb));
  }
  return [...verbs]
    .map(([noun, set]) => ({ noun, verbs: [...set].toSorted() }))
    .toSorted((a, b) => (a.noun < b.noun ? -1 : 1));
}

/** The shortest list of patterns for the selection: `secret:*` when all actions of a noun are selected. */
export function scopePatterns(groups: readonly ScopeGroup[], chosen: ReadonlySet<string>): readonly string[] {
  return groups.flatMap(({ noun, verbs }) => {
    const own = verbs.map((verb) => `${noun}:${verb}`).filter((action) => chosen.has(action));
    return own.length === verbs.length && own.length > 1 ? [`${noun}:*`] : own;
  });
}
