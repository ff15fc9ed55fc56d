import { DaisError } from '@dais/api';

/** The path as it is kept. @throws DaisError `unsafe_path` for one that could lead elsewhere when files are made of it. */
export function artifactPath(path: string): string {
  const parts = path.split('/');
  const unsafe = parts.some((part) => part === '' || part === '.' || part === '..');
  if (unsafe || path.includes('\\') || /\p{Cc}/u.test(path)) {
    throw new DaisError(
      'unsafe_path',
      `${JSON.stringify(path.slice(0, 200))} is no path of an artifact: relative, with "/" between its parts, none of them empty, "." or "..".`,
    );
  }
  return path;
}
