/** `12 min 5 s`, `5 s`: the remaining wait. Whole seconds, from 0. */
export function waitWords(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds} s` : `${minutes} min ${seconds % 60} s`;
}
