/** A name in the forms for code, files, URLs and SQL. */
export interface Names {
  /** `FeatureView` */
  readonly pascal: string;
  /** `featureView` */
  readonly camel: string;
  /** `feature-view` */
  readonly kebab: string;
  /** `featureviews`: the form in URLs */
  readonly plural: string;
  /** `feature view` */
  readonly words: string;
}

/**
 * Reads `FeatureView` or `feature-view`.
 * @throws Error with the allowed forms
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
