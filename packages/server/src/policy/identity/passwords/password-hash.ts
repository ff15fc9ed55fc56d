/**
 * Password hashes: argon2id with the first parameter set that OWASP recommends (19 MiB, 2 passes, 1 lane), 33 ms of CPU
 * on a server of 2026. At most two run concurrently, because more would block the cores for other requests.
 */
import type * as Argon2 from 'argon2';
import { WorkQueue } from '#policy/identity/passwords/work-queue.ts';

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const AT_ONCE = 2;
/** Beyond this limit a user would wait for more than a second. */
const MOST_WAITING = 64;
const LONGEST = 1024;

export class PasswordHasher {
  readonly #queue = new WorkQueue(AT_ONCE, MOST_WAITING, 'Too many users are signing in. Retry in a few seconds.');
  #argon2: Promise<typeof Argon2> | undefined;
  #dummy: Promise<string> | undefined;

  /** @throws DaisError `overloaded`. */
  async hash(password: string): Promise<string> {
    const argon2 = await this.#load();
    return await this.#queue.run(() => argon2.hash(normalized(password), PARAMETERS));
  }

  /**
   * Returns whether the password matches `hash`. Without a hash (no such user, no password set) it takes the same time
   * and returns false, so that the duration reveals nothing. @throws DaisError `overloaded`.
   */
  async verify(hash: string | undefined, password: string): Promise<boolean> {
    const argon2 = await this.#load();
    this.#dummy ??= argon2.hash('nobody has this password', PARAMETERS);
    const against = hash ?? (await this.#dummy);
    const given = normalized(password);
    const matches = await this.#queue.run(() => argon2.verify(against, given));
    return matches && hash !== undefined && password.length <= LONGEST;
  }

  /** Returns whether a hash has weaker parameters than the current ones. */
  async isOutdated(hash: string): Promise<boolean> {
    return (await this.#load()).needsRehash(hash, PARAMETERS);
  }

  async #load(): Promise<typeof Argon2> {
    this.#argon2 ??= import('argon2');
    return await this.#argon2;
  }
}

/** The same password typed on two keyboards may come in two encodings (NIST SP 800-63B §5.1.1.2). */
export function normalized(password: string): string {
  return password.slice(0, LONGEST).normalize('NFKC');
}
