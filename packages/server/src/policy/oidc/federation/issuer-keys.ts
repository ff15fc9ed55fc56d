/**
 * Public keys of token issuers: fetched through the outbound client, validated, and cached for a limited time and
 * number.
 */
import { DaisError } from '@dais/api';
import type { JSONWebKeySet } from 'jose';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

export interface IssuerKeysDependencies {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** The operator named these issuers: they may be anywhere. Others are called like any address of a user. */
  readonly trusted: boolean;
}

/** How long keys are used before they are fetched again; a withdrawn key stays valid as long. */
const KEEP_MS = 600_000;
/** An unknown key can be new: keys are fetched again, but at most this often. */
const REFETCH_MS = 30_000;
/** An issuer that does not answer is not called for every token that names it. */
const FAILED_MS = 5_000;
const MAX_ISSUERS = 100;
const MAX_KEYS = 100;
const MAX_BYTES = 256 * 1024;
const TOTAL_MS = 10_000;

interface Kept {
  readonly keys: Promise<JSONWebKeySet>;
  /** Milliseconds since 1970: until then they are used. */
  readonly until: number;
  /** From this time on they can be fetched again if a key is missing. */
  readonly againAt: number;
}

export class IssuerKeys {
  readonly #dependencies: IssuerKeysDependencies;
  readonly #kept = new Map<string, Kept>();

  constructor(dependencies: IssuerKeysDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Returns the keys of an issuer; `unknownKey` if the known keys do not include the requested one. The caller has
   * checked that the issuer is trusted: other URLs are never called. @throws DaisError `upstream_failed`,
   * `address_refused`.
   */
  async of(issuer: string, unknownKey = false): Promise<JSONWebKeySet> {
    const now = this.#dependencies.clock.now();
    const before = this.#kept.get(issuer);
    if (before !== undefined && now < (unknownKey ? before.againAt : before.until)) return await before.keys;
    const fresh = { keys: this.#fetch(issuer), until: now + KEEP_MS, againAt: now + REFETCH_MS };
    this.#keep(issuer, fresh);
    try {
      return await fresh.keys;
    } catch (error) {
      // A failure is cached for a moment only, and never replaces valid keys.
      const good = before !== undefined && now < before.until;
      const next = good
        ? { ...before, againAt: now + REFETCH_MS }
        : { ...fresh, until: now + FAILED_MS, againAt: now + FAILED_MS };
      if (this.#kept.get(issuer) === fresh) this.#keep(issuer, next);
      throw error;
    }
  }

  #keep(issuer: string, kept: Kept): void {
    this.#kept.delete(issuer);
    this.#kept.set(issuer, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_ISSUERS && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #fetch(issuer: string): Promise<JSONWebKeySet> {
    const metadata = await this.#json(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, issuer);
    if (metadata['issuer'] !== issuer) throw failed(issuer, 'its metadata names another issuer');
    const url = metadata['jwks_uri'];
    if (typeof url !== 'string') throw failed(issuer, 'its metadata names no keys');
    // Keys over plain HTTP can be forged, even if the URL of the issuer uses HTTPS.
    if (issuer.startsWith('https:') && !url.startsWith('https:'))
      throw failed(issuer, 'the URL of its keys does not use HTTPS');
    const { keys } = await this.#json(url, issuer);
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw failed(issuer, 'its keys are not a list of at most 100');
    return { keys };
  }

  async #json(url: string, issuer: string): Promise<Record<string, unknown>> {
    const { outbound, trusted } = this.#dependencies;
    const answer = await outbound.send({
      url,
      trusted,
      headers: { accept: 'application/json' },
      maxBytes: MAX_BYTES,
      timeouts: { totalMs: TOTAL_MS },
    });
    if (answer.status !== 200) throw failed(issuer, `it responds with status ${answer.status}`);
    try {
      const value: unknown = JSON.parse(answer.body.toString('utf8'));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // Reported below: the actual type does not matter.
    }
    throw failed(issuer, 'its response is not a JSON object');
  }
}

function failed(issuer: string, reason: string): DaisError {
  return new DaisError('upstream_failed', `The keys of the issuer ${issuer.slice(0, 200)} cannot be read: ${reason}.`);
}
