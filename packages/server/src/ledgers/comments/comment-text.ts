/** Whom and what a comment names. Pure. */

/** Most addresses that are kept of one comment. */
const MOST_LINKS = 50;

/** Code is quoted, not said: `@property` in it is nobody. */
function withoutCode(text: string): string {
  return text.replaceAll(/```[\s\S]*?(?:```|$)/g, ' ').replaceAll(/`[^`\n]*`/g, ' ');
}

/** A name, or an address of mail as a name; what ends a sentence is no part of it. */
const MENTION = /(?<![\p{L}\p{N}_@/.-])@([\p{L}\p{N}][\p{L}\p{N}._+-]*(?:@[\p{L}\p{N}][\p{L}\p{N}.-]*)?)/gu;

/** Names behind `@`, once each, in order. */
export function mentionsIn(text: string): readonly string[] {
  const names = [...withoutCode(text).matchAll(MENTION)].map(([, name = '']) => name.replace(/[.-]+$/, ''));
  return [...new Set(names)];
}

const LINK = /https?:\/\/[^\s<>"'`\]]+/g;

/** Addresses of the web, once each, in order. */
export function linksIn(text: string): readonly string[] {
  const found = [...withoutCode(text).matchAll(LINK)]
    .map(([link]) => trimmed(link))
    .filter((link) => URL.canParse(link));
  return [...new Set(found)].slice(0, MOST_LINKS);
}

/** What ends a sentence, and a bracket that was opened before the address. */
function trimmed(link: string): string {
  const plain = link.replace(/[.,;:!?]+$/, '');
  return plain.endsWith(')') && !plain.includes('(') ? trimmed(plain.slice(0, -1)) : plain;
}
