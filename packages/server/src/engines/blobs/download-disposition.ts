/**
 * Returns the Content-Disposition of a direct download: the browser saves the bytes and never displays them as a page of the
 * store's origin, whatever they are.
 */
export function downloadDisposition(fileName: string | undefined): string {
  return fileName === undefined ? 'attachment' : `attachment; filename*=UTF-8''${encodeFileName(fileName)}`;
}

/** RFC 8187 ext-value: encodeURIComponent leaves `'()*`, which it does not allow. */
function encodeFileName(fileName: string): string {
  return encodeURIComponent(fileName).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
