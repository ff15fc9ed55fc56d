/** Completes names of facts in the Cedar text of a policy. */
import type { KindSpec } from '@dais/api';
import { policyFacts, type PolicyFact } from '@dais/api/access';
import type { ManifestCompletion } from './manifest-completion.ts';

const KINDS: ReadonlySet<string> = new Set(['Policy', 'OrganizationPolicy']);

/** `at`: characters before the cursor. */
export function completeFacts(text: string, at: number, { kind }: KindSpec): ManifestCompletion | undefined {
  if (!KINDS.has(kind)) return undefined;
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const word = /\bresource\.facts(?:\.| has )(\w*)$/.exec(line)?.[1];
  if (word === undefined) return undefined;
  const facts: readonly PolicyFact[] = policyFacts;
  return {
    from: at - word.length,
    choices: facts.map(({ name, type, kinds, description, unknown }) => ({
      label: name,
      detail: `${type}, ${kinds.join(' and ')}`,
      info: unknown === undefined ? description : `${description} Unknown when: ${unknown}`,
    })),
  };
}
