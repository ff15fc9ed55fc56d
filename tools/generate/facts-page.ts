import { policyFacts, upstreamLimits, type PolicyFact } from '@dais/api/access';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table, text } from './markdown.ts';

const { steps, nodes, milliseconds } = upstreamLimits;

export function factsPage(): GeneratedFile {
  const facts: readonly PolicyFact[] = policyFacts;
  const rows = facts.map(({ name, type, kinds, reach, description }) => [
    `[${code(name)}](#${name.toLowerCase()})`,
    code(type),
    kinds.join(', '),
    reach,
    text(description),
  ]);
  return {
    path: `${REFERENCE}/policy-facts.md`,
    text: page('Policy facts', 'packages/api/src/policy/facts.ts', [
      'A fact is a computed attribute of a resource. Policies use it below `resource.facts`. Dais computes a fact only when a policy that applies uses it, within the transaction of the decision. [Write a policy](../guide/write-a-policy#facts) shows how.',
      table(['Fact', 'Type', 'Kinds', 'Reach', 'Description'], rows),
      '## Upstream facts',
      `Facts with reach \`upstream\` cover the upstream lineage of a model version: the walk starts at the version and follows the lineage against its edges. It stops after ${steps} steps, ${nodes.toLocaleString('en')} nodes or ${milliseconds / 1000} s. Above a limit the fact is unknown.`,
      [
        '- **Model**: facts are about the version that the operation promotes (alias, stage), otherwise about the newest version.',
        '- **Endpoint**: facts are about all versions that the written manifest names, variants and shadows included; without a manifest, about the versions that serve or roll out.',
      ].join('\n'),
      'A policy that uses upstream facts is in audit mode unless its manifest sets `spec.mode`.',
      '## Unknown facts',
      'A fact that cannot be computed is missing from `resource.facts`. A policy that uses it fails with an error, and an error denies. The denial names the fact and the reason. To permit what is unknown, test for it: `resource.facts has upstreamOpenPiiFindings && resource.facts.upstreamOpenPiiFindings > 0`.',
      ...facts.flatMap(sectionOf),
    ]),
  };
}

function sectionOf({ name, type, kinds, description, computation, unknown }: PolicyFact): string[] {
  return [
    `## ${name}`,
    text(description),
    [
      `- Type: ${code(type)}`,
      `- Kinds: ${kinds.map(code).join(', ')}`,
      `- Computed: ${text(computation)}`,
      `- Unknown: ${unknown === undefined ? 'never for a specific reason.' : text(unknown)}`,
    ].join('\n'),
  ];
}
