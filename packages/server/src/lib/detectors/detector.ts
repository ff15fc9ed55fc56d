/** What a detector knows of one kind of personal or secret text. */
export interface Detector {
  /** `EMAIL_ADDRESS`: as Presidio names it where both know it, so that findings of both can be compared. */
  readonly entity: string;
  readonly patterns: readonly Pattern[];
  /** Whether what a pattern found is one. Absent: what looks like one counts as one. */
  readonly verify?: (candidate: string) => boolean;
  /**
   * The share of texts that merely look like one and pass `verify` all the same: 1/10 for one check digit, 1/97 for
   * mod 97, 0 where no check digit is. Random numbers of that length are then told from a column of real ones by how many pass.
   */
  readonly chance: number;
  /** Digits that a text must have to be looked at. Most texts have none: this keeps a scan cheap. */
  readonly digits: number;
  /** What a column is called that holds these: words in small letters, in several languages. */
  readonly words: readonly string[];
}

export interface Pattern {
  /** With the flag `g`; takes time in proportion to the text, because texts are hostile. */
  readonly expression: RegExp;
  /** How sure one verified find alone makes, between 0 and 1. */
  readonly strength: number;
}

/** One find in a text. */
export interface Match {
  readonly entity: string;
  /** UTF-16 offset of the first character and behind the last. */
  readonly start: number;
  readonly end: number;
  readonly strength: number;
}

/** Something recognised by the name of a column alone: no pattern tells a person's name. */
export interface NameRule {
  readonly entity: string;
  readonly words: readonly string[];
  /** Columns that are called so and are something else: `ip address`. */
  readonly unless?: readonly string[];
}

/** Characters of a text that are looked at: what stands behind is rarely of another kind than what stands before. */
export const TEXT_LIMIT = 2000;
