/** Colors and weights in program output, as terminals interpret them. Pure functions. */

export interface AnsiStyle {
  /** 0 to 7: black, red, green, yellow, blue, magenta, cyan, white. Bright variants have the same number. */
  readonly color: number | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
}

export interface AnsiPart {
  readonly text: string;
  readonly style: AnsiStyle;
}

const PLAIN: AnsiStyle = { color: undefined, bold: false, dim: false };

/** All escape sequences: with parameters, titles, and single letters. */
// oxlint-disable-next-line no-control-regex -- the expression matches these characters
const SEQUENCE = /\u001B(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\-_])/g;
/** Other characters that a terminal does not show; a tab is kept. */
// oxlint-disable-next-line no-control-regex -- the expression matches these characters
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F]/g;

/** Parses one line; programs reset colors at its end. Of overwritten text (`\r`), the last state stays. */
export function ansiParts(line: string): readonly AnsiPart[] {
  const shown = overwritten(line);
  const parts: AnsiPart[] = [];
  let [style, from] = [PLAIN, 0];
  const add = (text: string) => {
    const clean = text.replaceAll(CONTROL, '');
    if (clean !== '') parts.push({ text: clean, style });
  };
  for (const match of shown.matchAll(SEQUENCE)) {
    add(shown.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm') style = styled(style, match[1] ?? '');
  }
  add(shown.slice(from));
  return parts;
}

/** The text for searches. */
export function plainText(line: string): string {
  return overwritten(line).replaceAll(SEQUENCE, '').replaceAll(CONTROL, '');
}

function overwritten(line: string): string {
  const whole = line.endsWith('\r') ? line.slice(0, -1) : line;
  return whole.slice(whole.lastIndexOf('\r') + 1);
}

function styled(style: AnsiStyle, codes: string): AnsiStyle {
  const numbers = (codes === '' ? '0' : codes).split(/[;:]/).map(Number);
  let next = style;
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, color: undefined };
    else if (code >= 30 && code <= 37) next = { ...next, color: code - 30 };
    else if (code >= 90 && code <= 97) next = { ...next, color: code - 90 };
    else if (code === 38 || code === 48) {
      // 256 colors and true color are ignored: too many for a page in two themes. The first sixteen are those above.
      const indexed = numbers[at + 1] === 5;
      const color = numbers[at + 2] ?? 0;
      if (code === 38 && indexed && color < 16) next = { ...next, color: color % 8 };
      at += indexed ? 2 : 4;
    }
  }
  return next;
}
