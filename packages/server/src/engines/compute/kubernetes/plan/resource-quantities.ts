/**
 * Converts between the numbers of the compute contract and quantities of Kubernetes:
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
import { DaisError } from '@dais/api';
import type { Resources } from '../../contract.ts';

/** Powers of ten of the decimal suffixes. */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
/** Powers of 1024. */
const BINARY: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([KMGTPE]i)|([numkMGTPE]?))$/;

/** Names of the resources of a container whose name differs in the contract. */
const DISK = 'ephemeral-storage';

/** @throws DaisError `invalid_request` for a text that is no quantity. */
export function parseQuantity(text: string): number {
  const [matched, sign, digits, exponent, binary, decimal] = QUANTITY.exec(text) ?? [];
  if (matched === undefined || digits === undefined) throw malformed(text);
  // `Number` rounds the complete decimal text once. Multiplication by a power of two does not round.
  const value =
    binary === undefined
      ? Number(`${digits}${exponent ?? `e${DECIMAL[decimal ?? '']}`}`)
      : Number(digits) * 1024 ** BINARY.indexOf(binary);
  if (!Number.isFinite(value)) throw malformed(text);
  return sign === '-' && value !== 0 ? -value : value;
}

function malformed(text: string): DaisError {
  const form = 'a quantity is a number with an optional suffix, for example `1500m`, `64Gi` or `1e3`';
  return new DaisError(
    'invalid_request',
    `${JSON.stringify(text)} is not a Kubernetes quantity: ${form}. Correct it in the specification of the target.`,
  );
}

/** Returns a quantity that `parseQuantity` converts back to exactly `value`. */
export function formatQuantity(value: number): string {
  if (!Number.isFinite(value)) {
    throw new DaisError('invalid_request', `${value} is not an amount of a resource. Use a finite number.`);
  }
  // Minus zero has no quantity of its own.
  if (value === 0) return '0';
  if (Number.isInteger(value)) {
    let power = 0;
    while (power < BINARY.length - 1 && Number.isInteger(value / 1024 ** (power + 1))) power++;
    return `${BigInt(value / 1024 ** power)}${BINARY[power]}`;
  }
  const thousandths = Number(`${value}e3`);
  return Number.isInteger(thousandths) && Number(`${thousandths}e-3`) === value
    ? `${BigInt(thousandths)}m`
    : String(value);
}

/** Rounds up to thousandths of a core: the API server accepts nothing finer for CPU. */
export function formatCores(cores: number): string {
  // `1.1 * 1000` is more than 1100, and rounding it up would request a thousandth that nobody requested.
  const thousandths = Math.ceil(Number((cores * 1000).toFixed(6)));
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

/** Rounds up to whole bytes. */
export function formatBytes(bytes: number): string {
  return formatQuantity(Math.ceil(bytes));
}

/** Returns what a node or a quota has, in the names and units of the contract. */
export function readResources(quantities: Readonly<Record<string, string>>): Resources {
  const entries = Object.entries(quantities).map(([name, text]) => [
    name === DISK ? 'disk' : name,
    parseQuantity(text),
  ]);
  return Object.fromEntries(entries) as Resources;
}

/**
 * Returns the quantities of resources, by the names of Kubernetes.
 * @throws DaisError `invalid_request` for a name that is neither `cpu`, `memory`, `disk` nor a device, and for a part of a device.
 */
export function formatResources(resources: Resources): Readonly<Record<string, string>> {
  const quantities: Record<string, string> = {};
  for (const [name, amount] of Object.entries(resources)) {
    if (!Number.isFinite(amount) || amount < 0) {
      throw new DaisError('invalid_request', `Resource \`${name}\` is ${amount}. Request a number, 0 or more.`);
    }
    if (name === 'cpu') quantities['cpu'] = formatCores(amount);
    else if (name === 'memory') quantities['memory'] = formatBytes(amount);
    else if (name === 'disk') quantities[DISK] = formatBytes(amount);
    else quantities[name] = formatDevices(name, amount);
  }
  return quantities;
}

function formatDevices(name: string, amount: number): string {
  if (!isDevice(name)) {
    const known = '`cpu`, `memory`, `disk` and devices such as `nvidia.com/gpu`';
    throw new DaisError('invalid_request', `Resource \`${name}\` does not exist on Kubernetes. It has ${known}.`);
  }
  if (!Number.isInteger(amount)) {
    throw new DaisError('invalid_request', `Resource \`${name}\` is ${amount}. Request a whole number of devices.`);
  }
  return String(amount);
}

/** Devices have the name of a vendor. */
export function isDevice(name: string): boolean {
  return name.includes('/');
}
