/** SHA-256 of a file in a browser, which has to hold it whole: there is no other way to ask for it. */

/** What a tab can hold without harm. */
export const MOST_UPLOADED = 1024 ** 3;

/** Browsers give it to pages of a safe origin only: HTTPS, or the machine itself. */
export function canDigest(): boolean {
  return globalThis.isSecureContext;
}

/** In hexadecimal digits. */
export async function fileDigest(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
