/** Fewest characters of a password; the server refuses shorter ones, and those that are easily guessed. */
const FEWEST = 12;

/** What is wrong with a new password as far as the page can tell; undefined when nothing is. */
export function passwordProblem(password: string, again: string): string | undefined {
  // As people count them, and as the server does.
  const length = [...new Intl.Segmenter().segment(password)].length;
  if (length < FEWEST) return `At least ${FEWEST} characters; ${length === 0 ? 'none' : length} entered`;
  if (again !== password) return again === '' ? 'Confirm the password' : 'The passwords do not match';
  return undefined;
}
