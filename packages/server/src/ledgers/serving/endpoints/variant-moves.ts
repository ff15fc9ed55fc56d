/**
 * Changes the models of variants and shadows: by their manifest, or because of a moved alias, which policies may
 * refuse.
 */
import { eventTypes } from '@dais/api';
import { parseServedModel } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import { changeEndpoint, type EndpointRow, type RefusedVariant } from './endpoint-rows.ts';
import { recordDeployment } from '../lineage.ts';
import { readModels, type ModelRow } from '../models/model-rows.ts';

/** Interface: why a policy refuses the models of an endpoint. Used for changes without a request. */
export type EvaluateServing = (
  tx: Transaction,
  desired: { readonly uid: string; readonly name: string; readonly spec: Readonly<Record<string, unknown>> },
) => Promise<string | undefined>;

interface MoveDependencies {
  readonly now: () => number;
  readonly refusal?: EvaluateServing | undefined;
}

/** `desired`: ids of models by the names of variants and shadows. A refused one keeps its current model. */
export async function moveVariants(
  tx: Transaction,
  row: EndpointRow,
  desired: Readonly<Record<string, string>>,
  dependencies: MoveDependencies,
): Promise<void> {
  const ids = [...Object.values(desired), ...Object.values(row.active)];
  const models = await readModels(tx, ids);
  const references = referencesOf(row);
  const active: Record<string, string> = {};
  const named: Record<string, string> = {};
  const refused: Record<string, RefusedVariant> = {};
  const moved: { readonly variant: string; readonly from: ModelRow | undefined; readonly to: ModelRow }[] = [];
  for (const [variant, id] of Object.entries(desired)) {
    const [before, to, reference = ''] = [row.active[variant], models.get(id), references.get(variant)];
    const hasMoved = before !== id && to !== undefined;
    const reason =
      hasMoved && followsAlias(row, variant, reference) ? await refusalOf(tx, row, to, dependencies) : undefined;
    if (reason !== undefined && before !== undefined && to !== undefined) {
      active[variant] = before;
      named[variant] = row.model_references[variant] ?? reference;
      refused[variant] = { model: id, label: to.label, reason, at: dependencies.now() };
      if (row.refused[variant]?.model !== id) emitRefused(tx, row, { variant, from: models.get(before), to, reason });
      continue;
    }
    active[variant] = id;
    named[variant] = reference;
    const still = row.refused[variant];
    if (still !== undefined && !hasMoved) refused[variant] = still;
    if (hasMoved) moved.push({ variant, from: before === undefined ? undefined : models.get(before), to });
  }
  await changeEndpoint(tx, row.uid, { active, model_references: named, refused });
  for (const { variant, from, to } of moved) {
    recordDeployment(tx, row, to, dependencies.now());
    tx.emit({
      type: eventTypes.variantMoved,
      projectId: tx.projectId,
      subject: subjectOf(row),
      data: { variant, ...(from !== undefined && { from: from.label }), to: to.label },
    });
  }
}

/** Evaluates refused models again: policies or upstream objects may have changed. */
export async function reevaluateRefused(
  tx: Transaction,
  row: EndpointRow,
  variants: readonly string[],
  dependencies: MoveDependencies,
): Promise<void> {
  const models = await readModels(
    tx,
    variants.flatMap((variant) => row.refused[variant]?.model ?? []),
  );
  const refused = { ...row.refused };
  for (const variant of variants) {
    const before = row.refused[variant];
    const model = before === undefined ? undefined : models.get(before.model);
    const reason = model === undefined ? undefined : await refusalOf(tx, row, model, dependencies);
    if (before === undefined || reason === undefined) delete refused[variant];
    else refused[variant] = { ...before, reason, at: dependencies.now() };
  }
  await changeEndpoint(tx, row.uid, { refused });
}

/** A change of the manifest has been authorized; a moved alias has not been evaluated. */
function followsAlias(row: EndpointRow, variant: string, reference: string): boolean {
  const parsed = parseServedModel(reference);
  return row.model_references[variant] === reference && !('message' in parsed) && parsed.of === 'alias';
}

/** Evaluates one model: a model that passes may always replace one that does not. */
async function refusalOf(
  tx: Transaction,
  { uid, name, spec }: EndpointRow,
  model: ModelRow,
  { refusal }: MoveDependencies,
) {
  return await refusal?.(tx, { uid, name, spec: { ...spec, model: model.label, variants: [], shadow: [] } });
}

function emitRefused(
  tx: Transaction,
  row: EndpointRow,
  {
    variant,
    from,
    to,
    reason,
  }: {
    readonly variant: string;
    readonly from: ModelRow | undefined;
    readonly to: ModelRow;
    readonly reason: string;
  },
): void {
  tx.emit({
    type: eventTypes.variantRefused,
    projectId: tx.projectId,
    subject: subjectOf(row),
    data: { variant, ...(from !== undefined && { from: from.label }), to: to.label, reason },
  });
}

function subjectOf({ name, uid }: EndpointRow) {
  return { kind: 'Endpoint' as const, name, uid };
}

function referencesOf({ spec }: EndpointRow): ReadonlyMap<string, string> {
  return new Map([...spec.variants, ...spec.shadow].map(({ name, model }) => [name, model]));
}
