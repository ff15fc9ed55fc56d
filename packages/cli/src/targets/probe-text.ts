/** What a test of a compute target found, as text. Pure functions. */
import type { Probe } from './probe-target.ts';
import { countNoun } from '@dais/api';
import { resourcesText } from '#output/amounts.ts';
import type { Style } from '#output/style.ts';
import { padTo, printable } from '#output/width.ts';

/** Facts first, then warnings, then problems, which stay visible in a terminal. */
export function probeText(name: string, probe: Probe, style: Style): string {
  const { ready, version, nodes, resources, largestTask, features, warnings, problems } = probe;
  const facts: readonly (readonly [title: string, value: string])[] = [
    ['version', version ?? ''],
    ['nodes', version === undefined ? '' : nodes.toLocaleString('en')],
    ['resources', resourcesText(resources)],
    ['largest step', resourcesText(largestTask)],
    ['features', features.join(', ')],
  ];
  const known = facts.filter(([, value]) => value !== '');
  const width = Math.max(...facts.map(([title]) => title.length));
  const state = ready ? style.ok('ready') : style.fail('not ready');
  const counts = problems.length === 0 ? '' : `: ${countNoun(problems.length, 'problem')}`;
  return [
    ...known.map(([title, value]) => `  ${style.dim(padTo(title, width))}   ${printable(value)}`),
    ...warnings.map((text) => `${style.warn('warning:')} ${printable(text)}`),
    ...problems.map((text) => `${style.fail('problem:')} ${printable(text)}`),
    `Target ${style.bold(name)} is ${state}${counts}.`,
    '',
  ].join('\n');
}
