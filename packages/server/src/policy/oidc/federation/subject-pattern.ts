/**
 * Returns whether a `sub` claim matches the pattern of a trust entry. `*` matches any characters except `:`, so that it
 * never spans two parts of a subject (`repo:acme/models:ref:refs/heads/main`). It uses no regular expression: the time
 * is at most pattern × subject, both ≤ 1,024 characters.
 */
export function matchesSubject(pattern: string, subject: string): boolean {
  const patternParts = pattern.split(':');
  const given = subject.split(':');
  return patternParts.length === given.length && patternParts.every((part, at) => matchesPart(part, given[at] ?? ''));
}

function matchesPart(pattern: string, text: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let taken = 0;
  while (position < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      taken = position;
    } else if (at < pattern.length && pattern[at] === text[position]) {
      at++;
      position++;
    } else if (star === -1) {
      return false;
    } else {
      // The last star matches one more character.
      at = star + 1;
      position = ++taken;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
