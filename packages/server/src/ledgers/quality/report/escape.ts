const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes text for HTML and attributes. Control characters are replaced by a symbol. */
export function escape(text: unknown): string {
  return (
    String(text)
      .replaceAll(/[&<>"']/g, (sign) => NAMES[sign] ?? sign)
      // oxlint-disable-next-line no-control-regex -- control characters are exactly what is replaced here
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\u{fffd}')
  );
}
