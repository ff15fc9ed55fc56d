import { DaisError } from '#errors.ts';

/** A referrer that prevents a deletion. */
export interface Holder {
  readonly kind: string;
  readonly name: string;
  /** The path of its reference; absent: it is inside. */
  readonly path?: string;
}

/** A deletion that referrers prevent. Has all of them, until it is known which ones the caller may see. */
export class StillHeld<H extends Holder = Holder> extends DaisError {
  readonly #what: string;
  readonly #holders: readonly H[];

  /**
   * @param what `Secret "key" is used by`: the referrers follow
   */
  constructor(what: string, holders: readonly H[], seen = holders) {
    const named = seen.map(({ kind, name, path }) => `${kind} "${name}"${path === undefined ? '' : ` (${path})`}`);
    if (seen.length < holders.length) named.push('others that you may not see');
    const summary = seen.length > 20 ? 'more than 20 resources' : named.join(', ');
    super('still_referenced', `${what} ${summary}.`, {
      holders: seen.slice(0, 20).map(({ kind, name }) => `${kind}/${name}`),
    });
    this.#what = what;
    this.#holders = holders;
  }

  /** The same, with only the referrers that the caller may see. */
  async asSeenBy(maySee: (holder: H) => Promise<boolean>): Promise<StillHeld<H>> {
    const seen: H[] = [];
    for (const holder of this.#holders) if (await maySee(holder)) seen.push(holder);
    return new StillHeld(this.#what, this.#holders, seen);
  }
}
