/** Agreement of annotators. */
import { DaisError } from '@dais/api';
import type { Agreement, readAgreementOperation } from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { cohenKappa } from '#lib/agreement/cohen-kappa.ts';
import { fleissKappa } from '#lib/agreement/fleiss-kappa.ts';
import { krippendorffAlpha, nominalAlpha, type MeasurementLevel } from '#lib/agreement/krippendorff-alpha.ts';
import { requireSet } from './set-rows.ts';

/** Maximum number of annotations per computation, which limits the latency for others. */
const MAX_RATINGS = 200_000;

/** Computes the agreement. @throws DaisError `not_found`, `quota_exceeded`. */
export async function readAgreement(
  tx: Transaction,
  { input, tenant }: CallOf<typeof readAgreementOperation>,
): Promise<Agreement> {
  const row = await requireSet(tx.sql, tenant.id, input.set);
  const ratings = await tx.sql.query<Rating>(
    `select task, annotator, label from labeling.annotation
     where label_set = $1 and not replaced and not canceled and not ground_truth and cardinality(label) > 0
       and ($2::int is null or guideline = $2) order by task, id limit $3`,
    [row.id, input.guideline === undefined ? null : Number(input.guideline), MAX_RATINGS + 1],
    'label_ratings',
  );
  if (ratings.length > MAX_RATINGS) {
    throw new DaisError(
      'quota_exceeded',
      `Agreement is computed for at most ${MAX_RATINGS} annotations. Set \`guideline\` to select fewer.`,
    );
  }
  return agreementOf(ratings, row.level);
}

interface Rating {
  readonly task: number;
  readonly annotator: string;
  readonly label: readonly string[];
}

const MAX_LABELS = 100;
const MAX_PAIRS = 500;
/** Maximum number of annotators whose pairs are reported. */
const MAX_TOGETHER = 50;

/** Labels that are not numeric have no order and no difference, and are excluded at these levels. */
function agreementOf(ratings: readonly Rating[], level: MeasurementLevel): Agreement {
  const units = unitsOf(ratings);
  const paired = units.filter((unit) => unit.size > 1);
  const texts = paired.map((unit) => [...unit.values()]);
  const alpha =
    level === 'nominal'
      ? nominalAlpha(texts)
      : krippendorffAlpha(
          texts.map((labels) => labels.map(Number).filter((number) => Number.isFinite(number))),
          level,
        );
  const labels = countsOf(texts.flat());
  const agreed = agreedShare(texts);
  const fleiss = fleissOf(texts, [...labels.keys()]);
  return {
    level,
    units: paired.length,
    annotators: new Set(paired.flatMap((unit) => [...unit.keys()])).size,
    ...(alpha !== undefined && { alpha: tidy(alpha) }),
    ...(fleiss !== undefined && { fleiss: tidy(fleiss) }),
    ...(agreed !== undefined && { agreed: tidy(agreed) }),
    byLabel: [...labels]
      .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, MAX_LABELS)
      .map(([label, count]) => {
        const own = nominalAlpha(texts.map((unit) => unit.map((one) => one === label)));
        return { label, count, ...(own !== undefined && { alpha: tidy(own) }) };
      }),
    byPair: pairsOf(paired),
  };
}

/** Returns the label of each annotator by task. The later of two annotations counts; several labels are combined. */
function unitsOf(ratings: readonly Rating[]): readonly ReadonlyMap<string, string>[] {
  const units = new Map<number, Map<string, string>>();
  for (const { task, annotator, label } of ratings) {
    const unit = units.get(task) ?? new Map<string, string>();
    unit.set(annotator, label.join(' + '));
    units.set(task, unit);
  }
  return [...units.values()];
}

function countsOf(labels: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function agreedShare(units: readonly (readonly string[])[]): number | undefined {
  let pairs = 0;
  let alike = 0;
  for (const unit of units) {
    pairs += unit.length * (unit.length - 1);
    for (const count of countsOf(unit).values()) alike += count * (count - 1);
  }
  return pairs === 0 ? undefined : alike / pairs;
}

/** Returns the table of units and labels, unless it is too large. */
function fleissOf(units: readonly (readonly string[])[], labels: readonly string[]): number | undefined {
  if (units.length * labels.length > 5_000_000) return undefined;
  return fleissKappa(
    units.map((unit) => {
      const counts = countsOf(unit);
      return labels.map((label) => counts.get(label) ?? 0);
    }),
  );
}

function pairsOf(units: readonly ReadonlyMap<string, string>[]): Agreement['byPair'] {
  const pairs = new Map<string, { readonly annotators: [string, string]; readonly labels: [string, string][] }>();
  for (const unit of units) {
    const names = [...unit.keys()].toSorted().slice(0, MAX_TOGETHER);
    for (const [at, first] of names.entries())
      for (const second of names.slice(at + 1)) {
        const key = JSON.stringify([first, second]);
        const pair = pairs.get(key) ?? { annotators: [first, second], labels: [] };
        pair.labels.push([unit.get(first) ?? '', unit.get(second) ?? '']);
        pairs.set(key, pair);
      }
  }
  return [...pairs.values()]
    .toSorted((a, b) => b.labels.length - a.labels.length)
    .slice(0, MAX_PAIRS)
    .map(({ annotators, labels }) => {
      const kappa = cohenKappa(
        labels.map(([first]) => first),
        labels.map(([, second]) => second),
      );
      return { annotators, units: labels.length, ...(kappa !== undefined && { kappa: tidy(kappa) }) };
    });
}

/** Rounds to significant digits. */
function tidy(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
