/** Tokens and costs of spans, and their totals for the trace. */

export type Amounts = Readonly<Record<string, number>>;

/** Amounts of one span. It can have both; each may already include its descendants. */
export interface SpanAmounts {
  readonly usage?: Amounts;
  readonly cost?: Amounts;
}

export interface AmountNode {
  readonly id: string;
  /** Empty: none. */
  readonly parent: string;
  readonly amounts: SpanAmounts | undefined;
}

/**
 * Sums amounts over spans, except for descendants of a span with the same amount, which already includes them. A cycle of
 * parents counts as no ancestor.
 */
export function sumAmounts(nodes: readonly AmountNode[], of: keyof SpanAmounts): Amounts | undefined {
  const withAmount = nodes.filter(({ amounts }) => amounts?.[of] !== undefined);
  if (withAmount.length === 0) return undefined;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** Returns whether a span or an ancestor has the amount. Each span is visited once. */
  const covered = new Map<string, boolean>();
  const isCovered = (id: string): boolean => {
    const path: string[] = [];
    let at: string = id;
    let known = covered.get(at);
    while (known === undefined) {
      const node = byId.get(at);
      if (node === undefined || path.includes(at)) known = false;
      else if (node.amounts?.[of] !== undefined) known = true;
      else {
        path.push(at);
        at = node.parent;
        known = covered.get(at);
        if (path.length > MAX_PATH) known = false;
      }
    }
    for (const one of path) covered.set(one, known);
    return known;
  };
  const sums: Record<string, number> = {};
  for (const { parent, amounts } of withAmount) {
    if (parent !== '' && isCovered(parent)) continue;
    for (const [key, value] of Object.entries(amounts?.[of] ?? {})) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

/** Limit of visited ancestors. Deeper traces are rare, and the check must not take longer than storing. */
const MAX_PATH = 1000;

/** Returns the finite numbers of a map, at most 20. Undefined: there is none. */
export function amountsOf(value: unknown): Amounts | undefined {
  const map = typeof value === 'string' ? parsed(value) : value;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined;
  const amounts = Object.entries(map)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]))
    .filter(([key]) => /^[a-z0-9_]{1,60}$/.test(key))
    .slice(0, 20);
  return amounts.length === 0 ? undefined : Object.fromEntries(amounts);
}

function parsed(text: string): unknown {
  if (text.length > 4096) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
