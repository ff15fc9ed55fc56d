/** Environments that replace container images, from the Target that runs the steps. */
import type { TargetSpec } from '@dais/api/executions';
import type { Transaction } from '#kernel/transaction.ts';
import type { StepEnvironment } from '../machine/plan.ts';
import { environmentOf } from '../runs/native-plan.ts';
import { readOfOrganization } from '../targets/step-targets.ts';

export interface ImageRule {
  /** Pattern of a whole image name; `*` matches any text. */
  readonly image: string;
  readonly environment: StepEnvironment;
}

/** Returns the rules of a target in order of precedence. */
export async function imageRules(tx: Transaction, target: string): Promise<readonly ImageRule[]> {
  const spec = await readOfOrganization<TargetSpec>(tx, 'Target', target);
  return (spec?.images ?? []).map(({ image, environment }) => ({ image, environment: environmentOf(environment) }));
}

/** Returns the environment of the first rule that matches. */
export function ruledEnvironment(image: string, rules: readonly ImageRule[]): StepEnvironment | undefined {
  return rules.find((rule) => fits(image, rule.image))?.environment;
}

/** Matches in time linear in both lengths, because each part of the pattern is searched once. */
function fits(image: string, pattern: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return image === first;
  if (!image.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = image.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return image.length - last.length >= at && image.endsWith(last);
}
