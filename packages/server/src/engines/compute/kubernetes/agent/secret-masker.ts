/**
 * Masks secret values in the output of a command, before any of it is written. The end of the input is held back while it
 * could be the start of a secret. The process engine has the same algorithm as a program of its own (`log-masker.ts`).
 */
import { secretForms } from '#lib/crypto/secret-forms.ts';

const MASK = '***';

/** What a masker needs besides the held bytes to continue after a restart. It contains nothing of the output. */
export interface MaskerState {
  /** Number of held bytes that are part of a secret that was found before. */
  readonly covered: number;
  /** The masked output ended inside of that secret. */
  readonly isInside: boolean;
}

export class SecretMasker {
  readonly #any: RegExp | undefined;
  /** The forms by their first character. */
  readonly #heads = new Map<number, string[]>();
  readonly #longest: number;
  #held = '';
  #covered: number;
  #isInside: boolean;

  constructor(secrets: Readonly<Record<string, string>>, { covered, isInside }: MaskerState) {
    const forms = secretForms(Object.values(secrets)).map((form) => form.toString('latin1'));
    this.#longest = forms[0]?.length ?? 0;
    const pattern = forms.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join('|');
    this.#any = forms.length === 0 ? undefined : new RegExp(pattern, 'g');
    for (const form of forms) {
      const head = form.charCodeAt(0);
      this.#heads.set(head, [...(this.#heads.get(head) ?? []), form]);
    }
    this.#covered = covered;
    this.#isInside = isInside;
  }

  /**
   * Number of bytes that are held back: at most 1 MB, because a value has at most 128 KiB and its longest form seven bytes for
   * each of its own. So they fit into the window of the shim, which sends them again after a restart.
   */
  get heldBytes(): number {
    return this.#held.length;
  }

  get state(): MaskerState {
    return { covered: this.#covered, isInside: this.#isInside };
  }

  /** Returns masked output. It may be shorter than the input, and contain what was held back. */
  mask(bytes: Buffer): Buffer {
    return this.#mask(bytes, false);
  }

  /** Returns what was held back, at the end of the output. */
  end(): Buffer {
    return this.#mask(Buffer.alloc(0), true);
  }

  #mask(bytes: Buffer, isLast: boolean): Buffer {
    if (this.#any === undefined) return bytes;
    const text = this.#held + bytes.toString('latin1');
    const keep = isLast ? text.length : this.#startOfHeld(text);
    const ranges = this.#secretsIn(text, this.#any);
    let [out, at] = ['', 0];
    for (const [from, to] of ranges) {
      if (from >= keep) break;
      out += text.slice(at, from) + (this.#isInside && from === 0 ? '' : MASK);
      at = Math.min(to, keep);
    }
    out += text.slice(at, keep);
    if (keep > 0) {
      const last = ranges.findLast(([from]) => from < keep);
      this.#isInside = last !== undefined && last[1] >= keep;
      this.#covered = last !== undefined && this.#isInside ? last[1] - keep : 0;
    }
    this.#held = text.slice(keep);
    return Buffer.from(out, 'latin1');
  }

  /** Returns the first position from which the rest could be the start of a secret. */
  #startOfHeld(text: string): number {
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at++) {
      const forms = this.#heads.get(text.charCodeAt(at));
      if (forms === undefined) continue;
      const rest = text.length - at;
      if (forms.some((form) => form.length > rest && text.endsWith(form.slice(0, rest)))) return at;
    }
    return text.length;
  }

  /** Finds overlapping secrets too, so that nothing of them remains: each search starts one byte after the last match. */
  #secretsIn(text: string, any: RegExp): [from: number, to: number][] {
    const ranges: [number, number][] = this.#covered > 0 ? [[0, this.#covered]] : [];
    any.lastIndex = 0;
    for (let match = any.exec(text); match !== null; match = any.exec(text)) {
      const [from, to] = [match.index, match.index + match[0].length];
      const last = ranges.at(-1);
      any.lastIndex = from + 1;
      if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
      else ranges.push([from, to]);
    }
    return ranges;
  }
}
