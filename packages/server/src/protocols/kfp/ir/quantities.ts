/** Parses quantities of Kubernetes and durations of protobuf. */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Parses a quantity: `500m` is 0.5, `2Gi` is 2147483648. Undefined: invalid. */
export function quantityOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(m|k|K|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/.exec(text.trim()) ?? [];
  return digits === '' ? undefined : Number(digits) * (UNITS[unit] ?? 1);
}

/** Returns the milliseconds of `30s` or `1.5s`. Undefined: invalid. */
export function durationMs(text: string): number | undefined {
  const digits = /^(\d+(?:\.\d+)?)s$/.exec(text.trim())?.[1];
  return digits === undefined ? undefined : Number(digits) * 1000;
}
