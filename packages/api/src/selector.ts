import { DaisError } from '#errors.ts';

/** Requirements on labels: the four forms of `a=b,a!=b,a,!a`. */
export interface LabelSelector {
  readonly equal: Readonly<Record<string, string>>;
  readonly notEqual: readonly { readonly key: string; readonly value: string }[];
  readonly present: readonly string[];
  readonly absent: readonly string[];
}

const TERM = /^(!?)([A-Za-z0-9][A-Za-z0-9._/-]*)(?:(!=|==?)([A-Za-z0-9._-]*))?$/;

/**
 * @throws DaisError `invalid_request` naming the invalid term.
 */
export function parseSelector(text: string | undefined): LabelSelector {
  const equal: Record<string, string> = {};
  const notEqual: { key: string; value: string }[] = [];
  const present: string[] = [];
  const absent: string[] = [];
  for (const raw of (text ?? '').split(',')) {
    const term = raw.trim();
    if (term === '') continue;
    const [, not, key = '', operator, value = ''] = TERM.exec(term) ?? [];
    if (key === '' || (not === '!' && operator !== undefined)) {
      const issue = {
        path: 'labels',
        message: `"${term.slice(0, 80)}" is not a term`,
        expected: 'key=value, key!=value, key or !key',
      };
      throw new DaisError('invalid_request', `The selector has an invalid term: "${term.slice(0, 80)}".`, {
        issues: [issue],
      });
    }
    if (not === '!') absent.push(key);
    else if (operator === undefined) present.push(key);
    else if (operator === '!=') notEqual.push({ key, value });
    // Two different values for one key match nothing.
    else if (Object.hasOwn(equal, key) && equal[key] !== value) absent.push(key);
    else equal[key] = value;
  }
  return { equal, notEqual, present, absent };
}

export function matchesSelector(labels: Readonly<Record<string, string>>, selector: LabelSelector): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  return (
    Object.entries(selector.equal).every(([key, value]) => has(key) && labels[key] === value) &&
    selector.notEqual.every(({ key, value }) => !has(key) || labels[key] !== value) &&
    selector.present.every(has) &&
    !selector.absent.some(has)
  );
}
