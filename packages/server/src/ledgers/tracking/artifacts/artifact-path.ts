import { DaisError } from '@dais/api';
import type { TrackingOptions } from '../dependencies.ts';

/** Returns the stored form of a path. @throws DaisError `unsafe_path` for a path that could leave its folder. */
export function artifactPath(path: string): string {
  const parts = path.split('/');
  const unsafe = parts.some((part) => part === '' || part === '.' || part === '..');
  if (unsafe || path.includes('\\') || /\p{Cc}/u.test(path)) {
    throw new DaisError(
      'unsafe_path',
      `${JSON.stringify(path.slice(0, 200))} is not a valid artifact path. Use a relative path with "/" between segments, none of which is empty, "." or "..".`,
    );
  }
  return path;
}

/** Returns the path of an artifact URI in Dais. Undefined for other URIs and for the root. */
export function ownPath(address: string, { artifactRoot }: Pick<TrackingOptions, 'artifactRoot'>): string | undefined {
  if (!address.startsWith(artifactRoot)) return undefined;
  const path = address.slice(artifactRoot.length).replace(/\?.*$/s, '').split('/').filter(Boolean).join('/');
  return path === '' ? undefined : path;
}
