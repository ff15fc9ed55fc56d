/** In this order: Edge and Opera include "Chrome" too, and all include "Safari". */
const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Version', 'Safari'],
] as const;

const SYSTEMS = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux|X11/, 'Linux'],
] as const;

/** `Chrome 130 on Linux`; for other programs, their own name. */
export function describeUserAgent(text: string | undefined): string {
  if (text === undefined || text === '') return 'Unknown browser';
  if (!text.startsWith('Mozilla/')) return text.slice(0, 60);
  const browser = BROWSERS.flatMap(([token, word]) => {
    const major = new RegExp(String.raw`(?:Headless)?${token}/(\d+)`).exec(text)?.[1];
    return major === undefined ? [] : [`${word} ${major}`];
  })[0];
  const system = SYSTEMS.find(([pattern]) => pattern.test(text))?.[1];
  return `${browser ?? 'Browser'}${system === undefined ? '' : ` on ${system}`}`;
}
