import type { TrackingOptions } from '../options.ts';

/** The path of an address among the artifacts that lie in Dais. Undefined for one elsewhere, and for all of them. */
export function ownPath(address: string, { artifactRoot }: Pick<TrackingOptions, 'artifactRoot'>): string | undefined {
  if (!address.startsWith(artifactRoot)) return undefined;
  const path = address.slice(artifactRoot.length).replace(/\?.*$/s, '').split('/').filter(Boolean).join('/');
  return path === '' ? undefined : path;
}
