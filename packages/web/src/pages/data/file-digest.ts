/** Returns the SHA-256 of a file. A browser has to hold the whole file: its API has no streaming digest. */

/** Largest file that a tab can hold safely. */
export const MOST_UPLOADED = 1024 ** 3;

/** Browsers offer it only on secure origins: HTTPS, or localhost. */
export function canDigest(): boolean {
  return globalThis.isSecureContext;
}

/** In hexadecimal digits. */
export async function fileDigest(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
