/** Parses mentions and links in the text of a comment. */

/** Limit of stored links per comment. */
const MOST_LINKS = 50;

/** Code is ignored: `@property` in code is not a mention. */
function withoutCode(text: string): string {
  return text.replaceAll(/```[\s\S]*?(?:```|$)/g, ' ').replaceAll(/`[^`\n]*`/g, ' ');
}

/** A user name, which may be an email address, without the punctuation at its end. */
const MENTION = /(?<![\p{L}\p{N}_@/.-])@([\p{L}\p{N}][\p{L}\p{N}._+-]*(?:@[\p{L}\p{N}][\p{L}\p{N}.-]*)?)/gu;

/** Returns the mentioned names, each once, in order. */
export function mentionsIn(text: string): readonly string[] {
  const names = [...withoutCode(text).matchAll(MENTION)].map(([, name = '']) => name.replace(/[.-]+$/, ''));
  return [...new Set(names)];
}

const LINK = /https?:\/\/[^\s<>"'`\]]+/g;

/** Returns the web URLs, each once, in order. */
export function linksIn(text: string): readonly string[] {
  const found = [...withoutCode(text).matchAll(LINK)]
    .map(([link]) => trimmed(link))
    .filter((link) => URL.canParse(link));
  return [...new Set(found)].slice(0, MOST_LINKS);
}

/** Removes final punctuation, and a closing bracket that was opened before the URL. */
function trimmed(link: string): string {
  const plain = link.replace(/[.,;:!?]+$/, '');
  return plain.endsWith(')') && !plain.includes('(') ? trimmed(plain.slice(0, -1)) : plain;
}
