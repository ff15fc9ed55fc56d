/** Minimum length of a password; the server rejects shorter and easily guessed ones. */
const FEWEST = 12;

/** Returns the problem of a new password that the page can detect; undefined without one. */
export function passwordProblem(password: string, again: string): string | undefined {
  // Counts user-perceived characters, as the server does.
  const length = [...new Intl.Segmenter().segment(password)].length;
  if (length < FEWEST) return `At least ${FEWEST} characters; ${length === 0 ? 'none' : length} entered`;
  if (again !== password) return again === '' ? 'Confirm the password' : 'The passwords do not match';
  return undefined;
}
