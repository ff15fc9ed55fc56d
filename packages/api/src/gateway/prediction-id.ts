/**
 * The id of a prediction: a UUID of version 7 whose random bits encode the location of its record, so that it is found
 * without an index over all of them. 48 bits of Unix milliseconds, 12 of the gateway's number, 32 of the endpoint's, 30
 * of a count.
 */

export interface PredictionPosition {
  /** Milliseconds since the Unix epoch, when the response was sent. */
  readonly at: number;
  /** 0 to 4095; concurrent gateways have different ones. */
  readonly gateway: number;
  /** `endpointHash` of the endpoint's uid. Two endpoints can share one: it only narrows the search. */
  readonly endpoint: number;
}

/** FNV-1a over UTF-16 units: 32 bits, the same in every language that has multiplication. */
export function endpointHash(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index++) {
    hash = Math.imul(hash ^ uid.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** `count` distinguishes ids of one gateway in the same millisecond; 30 bits of it are used. */
export function predictionId({ at, gateway, endpoint }: PredictionPosition, count: number): string {
  const time = hex(at, 12);
  // 2 bits of the variant of RFC 9562, then the upper 14 of the endpoint.
  const variant = 0x8000 | (endpoint >>> 18);
  // The other 18 bits of the endpoint and the count: 48 bits, more than a bitwise operation takes.
  const rest = (endpoint & 0x3ffff) * 0x40000000 + (count & 0x3fffffff);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(gateway & 0xfff, 3)}-${hex(variant, 4)}-${hex(rest, 12)}`;
}

/** Undefined for another id. */
export function readPredictionId(id: string): PredictionPosition | undefined {
  const parts = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-([89ab][0-9a-f]{3})-([0-9a-f]{12})$/.exec(id);
  if (parts === null) return undefined;
  const [, high = '', low = '', gateway = '', variant = '', rest = ''] = parts;
  const upper = Number.parseInt(variant, 16) & 0x3fff;
  const lower = Math.floor(Number.parseInt(rest, 16) / 0x40000000);
  return {
    at: Number.parseInt(high + low, 16),
    gateway: Number.parseInt(gateway, 16),
    endpoint: upper * 0x40000 + lower,
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
