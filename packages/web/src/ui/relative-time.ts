const STEPS = [
  [31_536_000, 'y'],
  [2_592_000, 'mo'],
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
] as const;

/** `12 min ago`, `in 3 d`; below ten seconds `just now`. Both in milliseconds since 1970. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round(Math.abs(now - at) / 1000);
  if (seconds < 10) return 'just now';
  const [size, unit] = STEPS.find(([size]) => seconds >= size) ?? [1, 's'];
  const text = `${Math.floor(seconds / size)} ${unit}`;
  return at > now ? `in ${text}` : `${text} ago`;
}
