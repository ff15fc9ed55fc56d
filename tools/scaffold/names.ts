/** One name in the forms that code, files, addresses and SQL want. */
export interface Names {
  /** `FeatureView` */
  readonly pascal: string;
  /** `featureView` */
  readonly camel: string;
  /** `feature-view` */
  readonly kebab: string;
  /** `featureviews`: the word in addresses */
  readonly plural: string;
  /** `feature view` */
  readonly words: string;
}

/**
 * Reads `FeatureView` or `feature-view`.
 * @throws Error that says what a name may be
 */
export function namesOf(given: string): Names {
  const kebab = given.replaceAll(/(?<=[a-z0-9])([A-Z])/g, '-$1').toLowerCase();
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(kebab)) {
    throw new Error(`a name is like FeatureView or feature-view, not ${JSON.stringify(given)}`);
  }
  const pascal = kebab.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
  const joined = kebab.replaceAll('-', '');
  return {
    pascal,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    kebab,
    plural: pluralOf(joined),
    words: kebab.replaceAll('-', ' '),
  };
}

function pluralOf(word: string): string {
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
}
