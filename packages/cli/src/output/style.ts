/** Color only marks a state that the text also has. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly ok: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly fail: (text: string) => string;
  readonly accent: (text: string) => string;
}

const CODES = { bold: [1, 22], dim: [2, 22], ok: [32, 39], warn: [33, 39], fail: [31, 39], accent: [36, 39] } as const;

export const plainStyle: Style = makeStyle((text) => text);

export const colorStyle: Style = makeStyle((text, [on, off]) => `\u001b[${on}m${text}\u001b[${off}m`);

function makeStyle(paint: (text: string, codes: readonly [number, number]) => string): Style {
  return {
    bold: (text) => paint(text, CODES.bold),
    dim: (text) => paint(text, CODES.dim),
    ok: (text) => paint(text, CODES.ok),
    warn: (text) => paint(text, CODES.warn),
    fail: (text) => paint(text, CODES.fail),
    accent: (text) => paint(text, CODES.accent),
  };
}
