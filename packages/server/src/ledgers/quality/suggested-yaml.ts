import { stringify } from 'yaml';
import type { Suggestion } from '@dais/api/data';

/** Formats suggestions as a fragment of a manifest, with reasons as comments. */
export function suggestedYaml(suggestions: readonly Suggestion[], of: string): string {
  const lines = [
    `# Suggested from ${of}. Add the expectations that hold for every version to the manifest of the dataset.`,
    'spec:',
  ];
  if (suggestions.length === 0) return [...lines, '  expectations: []', ''].join('\n');
  lines.push('  expectations:');
  for (const { expectation, reason } of suggestions) {
    lines.push(`    # ${reason}`);
    const text = stringify([expectation], { lineWidth: 120, collectionStyle: 'any' }).trimEnd();
    lines.push(...text.split('\n').map((line) => `    ${line}`));
  }
  return `${lines.join('\n')}\n`;
}
