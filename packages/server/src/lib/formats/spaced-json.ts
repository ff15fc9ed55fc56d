/**
 * JSON on one line with a space after each comma and colon, as Python writes it by default, but without escapes. Of a longer
 * text than `most` characters only the start is written.
 */
export function spacedJson(value: unknown, most = Infinity): string {
  const out: Output = { text: '', most };
  write(value, out);
  return out.text;
}

interface Output {
  text: string;
  readonly most: number;
}

function write(value: unknown, out: Output): void {
  if (out.text.length > out.most) return;
  if (typeof value === 'string') {
    out.text += JSON.stringify(value.length > out.most ? value.slice(0, out.most) : value);
  } else if (typeof value !== 'object' || value === null) {
    out.text += JSON.stringify(value) ?? 'null';
  } else if (Array.isArray(value)) {
    out.text += '[';
    for (const [index, one] of value.entries()) {
      if (out.text.length > out.most) return;
      if (index > 0) out.text += ', ';
      write(one, out);
    }
    out.text += ']';
  } else {
    out.text += '{';
    let separator = '';
    for (const [key, one] of Object.entries(value)) {
      if (out.text.length > out.most) return;
      if (one === undefined) continue;
      out.text += `${separator}${JSON.stringify(key)}: `;
      separator = ', ';
      write(one, out);
    }
    out.text += '}';
  }
}
