/** Checks of a compute target, from its probe. Pure functions. */
import { countNoun } from '@dais/api';
import type { Finding } from '#doctor/finding.ts';
import { ok } from '#doctor/finding.ts';
import { resourcesText } from '#output/amounts.ts';
import type { Probe } from '#targets/probe-target.ts';

export function targetFindings(name: string, probe: Probe): Finding[] {
  const { ready, version, nodes, resources, largestTask, features, warnings, problems } = probe;
  const hasNodes = version !== undefined && nodes > 0;
  return [
    ...(version === undefined ? [] : [ok('cluster', `responds; version ${version}`)]),
    ...(hasNodes ? [ok('nodes', `${countNoun(nodes, 'node')} with ${resourcesText(resources)}`)] : []),
    ...(hasNodes ? [ok('largest step', resourcesText(largestTask))] : []),
    ...(features.length === 0 ? [] : [ok('features', features.join(', '))]),
    ...(ready ? [ok(`target ${name}`, 'steps can run there')] : []),
    ...warnings.map((text): Finding => ({ name: `target ${name}`, state: 'warning', ...splitRemedy(text) })),
    ...problems.map((text): Finding => ({ name: `target ${name}`, state: 'problem', ...splitRemedy(text) })),
  ];
}

/** The first sentence is what is wrong, the others are the remedy. A period inside of code or of a version ends no sentence. */
function splitRemedy(text: string): Pick<Finding, 'detail' | 'remedy'> {
  const [, detail = text, remedy] = /^((?:`[^`]*`|[^`])+?)\.\s+(?=[A-Z`])(.+)$/s.exec(text) ?? [];
  return remedy === undefined ? { detail: detail.replace(/\.$/, '') } : { detail, remedy };
}
