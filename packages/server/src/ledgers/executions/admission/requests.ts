/** Counted resources of a step: its own requests, and defaults if its project has a quota. */
export type Amounts = Readonly<Record<string, number>>;

/** Limits of the steps of one project. */
export interface ProjectLimits {
  /** Limits by resource. A missing resource has no limit. */
  readonly resources: Amounts;
  readonly runningSteps: number;
  readonly queuedSteps: number;
  /** Greater than 0; relative to other projects. */
  readonly weight: number;
}

/** Resources that every step uses. With a quota for one of them, a step without a request counts with the default. */
const ALWAYS_USED = ['cpu', 'memory', 'disk'] as const;

export type StepDefaults = Readonly<Record<(typeof ALWAYS_USED)[number], number>>;

/** Returns whether every step of the project counts against this quota. */
export function isAlwaysUsed(resource: string): boolean {
  return ALWAYS_USED.some((one) => one === resource);
}

/** Returns the counted resources. A default larger than the quota counts as the whole quota, so such a step runs alone. */
export function countedRequests(own: Amounts, quota: Amounts, defaults: StepDefaults): Amounts {
  let counted: Record<string, number> | undefined;
  for (const name of ALWAYS_USED) {
    const limit = quota[name];
    if (limit === undefined || own[name] !== undefined) continue;
    counted ??= { ...own };
    counted[name] = limit === 0 ? defaults[name] : Math.min(defaults[name], limit);
  }
  return counted ?? own;
}

/** Adds `times` times the amounts to the sums. */
export function addAmounts(sums: Map<string, number>, amounts: Amounts, times = 1): void {
  for (const [name, amount] of Object.entries(amounts)) sums.set(name, (sums.get(name) ?? 0) + amount * times);
}

/** Sums of fractions such as 0.1 are not exact. */
const ROUNDING = 1e-9;

/** Returns whether `amount` more fits below the limit. */
export function fits(used: number, amount: number, limit: number): boolean {
  return used + amount <= limit * (1 + ROUNDING) + ROUNDING;
}

/** Returns the first resource whose request exceeds the whole limit. */
export function exceededResource(requests: Amounts, limits: Amounts): string | undefined {
  return Object.entries(requests).find(([name, amount]) => {
    const limit = limits[name];
    return limit !== undefined && !fits(0, amount, limit);
  })?.[0];
}
