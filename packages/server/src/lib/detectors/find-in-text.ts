import { contactDetectors } from './contact.ts';
import { credentialDetectors } from './credentials.ts';
import { TEXT_LIMIT, type Detector, type Match } from './detector.ts';
import { nationalIdDetectors } from './national-ids.ts';
import { networkDetectors } from './network.ts';
import { paymentDetectors } from './payment.ts';

/** Every detector there is. */
export const detectors: readonly Detector[] = [
  ...contactDetectors,
  ...paymentDetectors,
  ...networkDetectors,
  ...credentialDetectors,
  ...nationalIdDetectors,
];

/** Finds of one pattern in a text. */
const MATCH_LIMIT = 20;

/** The matches of one detector in a text: all pattern matches, and those that pass verification. */
export interface TextMatches {
  readonly candidates: number;
  readonly matches: readonly Match[];
}

const NOTHING: TextMatches = { candidates: 0, matches: [] };

export function digitsIn(text: string): number {
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) digits += 1;
  }
  return digits;
}

/** `text` of at most TEXT_LIMIT characters, with `digits` digits. */
export function matchText(
  { entity, patterns, verify, digits: least }: Detector,
  text: string,
  digits: number,
): TextMatches {
  if (digits < least) return NOTHING;
  let candidates = 0;
  const matches: Match[] = [];
  for (const { expression, strength } of patterns) {
    let count = 0;
    for (const { 0: found, index: start } of text.matchAll(expression)) {
      count += 1;
      candidates += 1;
      const end = start + found.length;
      const known = matches.some((match) => start < match.end && match.start < end);
      if (!known && (verify === undefined || verify(found))) matches.push({ entity, start, end, strength });
      if (count === MATCH_LIMIT) break;
    }
  }
  return { candidates, matches };
}

/** Returns all entities of a text by position; one position can match several entities. */
export function findInText(text: string): readonly Match[] {
  const start = text.slice(0, TEXT_LIMIT);
  const digits = digitsIn(start);
  return detectors
    .flatMap((detector) => matchText(detector, start, digits).matches)
    .toSorted((a, b) => a.start - b.start || b.strength - a.strength);
}
