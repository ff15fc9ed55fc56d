/** Findings of a column, from its name and a sample of its values. Pure; the caller chooses the sample. */
import { containsTerm, wordsOf } from './column-name.ts';
import { TEXT_LIMIT, type Detector } from './detector.ts';
import { detectors, digitsIn, matchText } from './find-in-text.ts';
import { nameRules } from './names.ts';

/** One kind of personal or secret data in a column. */
export interface ColumnFinding {
  readonly entity: string;
  /** Between 0 and 1: how sure. Not a probability. */
  readonly confidence: number;
  /** Share of the scanned values with the entity, between 0 and 1; 0 if only the name indicates it. */
  readonly share: number;
  readonly evidence: 'values' | 'name' | 'both';
  /** A value with a match, for redaction by the caller; absent if only the name indicates the entity. */
  readonly example?: string;
}

/** From here on a find is reported. */
const REPORTED = 0.5;
/** What the name of a column adds. */
const NAME_BONUS = 0.35;
/** The confidence of a name alone. */
const NAME_ONLY = 0.6;
/** Standard errors above chance: fewer than 1 in 700 columns of random numbers of the right length get here. */
const ABOVE_CHANCE = 3;
/**
 * Share of pattern matches that pass verification, corrected for chance; below it, too many false positives are likely.
 */
const LEAST_REAL = 0.2;
/** A find this sure is reported however rare it is: one key in a column of notes is one too many. */
const SURE = 0.8;
/** Rarer than this, finds of a weaker kind are left out. */
const RARE = 0.2;

interface Tally {
  readonly detector: Detector;
  /** Values that match the pattern. */
  matching: number;
  /** Values with one. */
  holding: number;
  strength: number;
  example?: string;
}

/** Scans one value after another, so that the caller can yield between values. */
export class ColumnScan {
  readonly #words: string;
  readonly #tallies: readonly Tally[] = detectors.map((detector) => ({
    detector,
    matching: 0,
    holding: 0,
    strength: 0,
  }));
  #values = 0;

  constructor(name: string) {
    this.#words = wordsOf(name);
  }

  see(value: string): void {
    const text = value.slice(0, TEXT_LIMIT);
    if (text === '') return;
    this.#values += 1;
    const digits = digitsIn(text);
    for (const tally of this.#tallies) {
      const { candidates, matches } = matchText(tally.detector, text, digits);
      if (candidates > 0) tally.matching += 1;
      const [first] = matches;
      if (first === undefined) continue;
      tally.holding += 1;
      tally.strength += Math.max(...matches.map(({ strength }) => strength));
      tally.example ??= text.slice(first.start, first.end);
    }
  }

  /** In descending order of confidence. Of several findings with the same values, only the most specific ones. */
  findings(): readonly ColumnFinding[] {
    const found = this.#tallies.flatMap((tally) => this.#judge(tally) ?? []);
    const explained = found.filter(
      (one) =>
        !found.some(
          (other) => other !== one && other.example === one.example && other.confidence > one.confidence + 0.1,
        ),
    );
    const named = nameRules
      .filter(({ entity }) => !explained.some((one) => one.entity === entity))
      .filter(({ words, unless = [] }) => containsTerm(this.#words, words) && !containsTerm(this.#words, unless))
      .map(({ entity }): ColumnFinding => ({ entity, confidence: NAME_ONLY, share: 0, evidence: 'name' }));
    return [...explained, ...named].toSorted((a, b) => b.confidence - a.confidence || (a.entity < b.entity ? -1 : 1));
  }

  #judge({ detector, matching, holding, strength, example }: Tally): ColumnFinding | undefined {
    if (holding === 0 || example === undefined) return undefined;
    const { entity, chance, words } = detector;
    const rate = holding / matching;
    const named = containsTerm(this.#words, words);
    const byChance = chance + ABOVE_CHANCE * Math.sqrt((chance * (1 - chance)) / matching);
    // Too few values to exclude chance, unless all of them pass: the name of the column must indicate the entity too.
    if (rate <= byChance && rate < 1 && !(named && rate > chance)) return undefined;
    const share = holding / this.#values;
    const real = Math.max(0, (rate - chance) / (1 - chance));
    if (chance > 0 && real < LEAST_REAL && !named) return undefined;
    const each = strength / holding;
    const rare = share < RARE && each < SURE;
    const confidence = Math.min(
      0.99,
      each * (rare ? 0.5 : 1) * (each >= SURE ? 1 : Math.sqrt(real)) + (named ? NAME_BONUS : 0),
    );
    if (confidence < REPORTED) return undefined;
    const rounded = Math.round(confidence * 100) / 100;
    return { entity, confidence: rounded, share, evidence: named ? 'both' : 'values', example };
  }
}
