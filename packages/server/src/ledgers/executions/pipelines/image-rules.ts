/** Which environments stand for images: what people say in the Target that steps run on. */
import type { targetKind } from '@dais/api';
import type { z } from 'zod';
import { readResource } from '#kernel/store.ts';
import { ORGANISATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { StepEnvironment } from '../machine/plan.ts';
import { environmentOf } from '../native-plan.ts';

/** This machine. It is there whether or not somebody says more about it. */
export const LOCAL_TARGET = 'local';

export interface ImageRule {
  /** Of a whole name; `*` stands for anything. */
  readonly image: string;
  readonly environment: StepEnvironment;
}

/** In the order in which they count. */
export async function imageRules(tx: Transaction): Promise<readonly ImageRule[]> {
  const home = tx.projectId;
  // Targets belong to the organisation, whose rows are not those of a project.
  await tx.enter(ORGANISATION);
  const target = await readResource(tx.sql, ORGANISATION, 'Target', LOCAL_TARGET);
  await tx.enter(home);
  const spec = target?.spec as z.output<typeof targetKind.spec> | undefined;
  return (spec?.images ?? []).map(({ image, environment }) => ({ image, environment: environmentOf(environment) }));
}

/** What the first rule that fits says. */
export function ruledEnvironment(image: string, rules: readonly ImageRule[]): StepEnvironment | undefined {
  return rules.find((rule) => fits(image, rule.image))?.environment;
}

/** Takes time in proportion to both lengths, whatever a pattern says: each part is looked for once. */
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
