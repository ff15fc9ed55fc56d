/** A detector of one kind of personal or secret text. */
export interface Detector {
  /** `EMAIL_ADDRESS`: as Presidio names it where both know it, so that findings of both can be compared. */
  readonly entity: string;
  readonly patterns: readonly Pattern[];
  /** Returns whether a pattern match is the entity. Absent: every match counts. */
  readonly verify?: (candidate: string) => boolean;
  /**
   * The share of random texts of the pattern that pass `verify`: 1/10 for one check digit, 1/97 for mod 97, 0 without
   * check digits. The observed share then separates random numbers from real ones.
   */
  readonly chance: number;
  /** Minimum digits of a text before it is scanned. Most texts have none, which keeps a scan cheap. */
  readonly digits: number;
  /** Column names of this entity: lowercase words, in several languages. */
  readonly words: readonly string[];
}

export interface Pattern {
  /** With the flag `g`; linear in the length of the text, because texts can be hostile. */
  readonly expression: RegExp;
  /** The confidence of one verified match alone, between 0 and 1. */
  readonly strength: number;
}

/** One find in a text. */
export interface Match {
  readonly entity: string;
  /** UTF-16 offsets of the first character and after the last. */
  readonly start: number;
  readonly end: number;
  readonly strength: number;
}

/** An entity recognized by the name of a column alone: no pattern recognizes the name of a person. */
export interface NameRule {
  readonly entity: string;
  readonly words: readonly string[];
  /** Column names that match but mean something else: `ip address`. */
  readonly unless?: readonly string[];
}

/** Characters of a text that are scanned: the rest rarely contains other entities. */
export const TEXT_LIMIT = 2000;
