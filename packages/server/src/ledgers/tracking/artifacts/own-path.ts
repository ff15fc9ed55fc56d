import type { TrackingOptions } from '../options.ts';

/** Returns the path of an artifact URI in Dais. Undefined for other URIs and for the root. */
export function ownPath(address: string, { artifactRoot }: Pick<TrackingOptions, 'artifactRoot'>): string | undefined {
  if (!address.startsWith(artifactRoot)) return undefined;
  const path = address.slice(artifactRoot.length).replace(/\?.*$/s, '').split('/').filter(Boolean).join('/');
  return path === '' ? undefined : path;
}
