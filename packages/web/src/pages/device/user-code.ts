/** Eight consonants, as `dais login` shows them; case, dashes and spaces do not matter. */
const CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/;

function bare(text: string): string {
  return text.toUpperCase().replaceAll(/[-\s]/g, '');
}

export function isUserCode(text: string): boolean {
  return CODE.test(bare(text));
}

/** `BCDF-GHJK`. */
export function userCode(text: string): string {
  const code = bare(text);
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
