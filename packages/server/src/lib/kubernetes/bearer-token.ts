/** Whether the text can be sent as `Authorization: Bearer`. */
export function isBearerToken(text: string): boolean {
  return /^[\x21-\x7e]{1,65536}$/.test(text);
}
