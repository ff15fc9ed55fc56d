/** Formats amounts. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB` */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`;
}

const BYTES = new Set(['memory', 'disk']);

/** An amount of a resource of steps: `2.5` cores, `4.0 GiB`. */
export function amountText(resource: string, amount: number): string {
  return BYTES.has(resource) ? bytesText(amount) : numberText(amount);
}

/** `2 cpu, 4.0 GiB memory` */
export function resourcesText(resources: Readonly<Record<string, number>>): string {
  return Object.entries(resources)
    .map(([name, amount]) => `${amountText(name, amount)} ${name}`)
    .join(', ');
}

/** A number of a model, in four digits: further digits are noise. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}
