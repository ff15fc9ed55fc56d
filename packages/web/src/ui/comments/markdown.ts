/** Parses Markdown: CommonMark with the tables, URLs, task lists and strikethrough of GitHub. */
import type { Nodes, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

/** A line that opens more quotes and lists than any text does. Parsing takes time in proportion to the square of their number. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){20}/m;

/** Returns undefined for a text that nests too deep. */
export function parseMarkdown(text: string): Root | undefined {
  if (TOO_DEEP.test(text)) return undefined;
  const root = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  unlinkAddresses(root);
  return root;
}

/** GitHub's extension links email addresses, which are also the names of users who are mentioned. They become text again. */
function unlinkAddresses(node: Nodes): void {
  if (!('children' in node)) return;
  const children = node.children as Nodes[];
  for (let at = 0; at < children.length; at++) {
    const child = children[at] as Nodes;
    const [content] = child.type === 'link' ? child.children : [];
    if (child.type === 'link' && content?.type === 'text' && child.url === `mailto:${content.value}`)
      children[at] = content;
    else unlinkAddresses(child);
    const [before, own] = [children[at - 1], children[at]];
    if (before?.type !== 'text' || own?.type !== 'text') continue;
    before.value += own.value;
    children.splice(at, 1);
    at -= 1;
  }
}

/** A part of a text: as it was written, or the name of a user who is mentioned. */
export type TextPart = string | { readonly mention: string };

const NAME = /(?<![\p{L}\p{N}_@/.-])@([\p{L}\p{N}][\p{L}\p{N}._+-]*(?:@[\p{L}\p{N}][\p{L}\p{N}.-]*)?)/gu;

/** Splits a text at the mentions of users. `mentions` are the names after `@` that are users. */
export function splitMentions(text: string, mentions: readonly string[]): readonly TextPart[] {
  const parts: TextPart[] = [];
  let last = 0;
  for (const match of text.matchAll(NAME)) {
    // A period at the end of a sentence is not part of a name.
    const mention = (match[1] ?? '').replace(/[.-]+$/, '');
    if (!mentions.includes(mention)) continue;
    if (match.index > last) parts.push(text.slice(last, match.index));
    parts.push({ mention });
    last = match.index + 1 + mention.length;
  }
  if (last < text.length) parts.push(text.slice(last));
  return parts;
}

/** Whether a link may be followed: `javascript:` and other schemes run code or open programs. */
export function isWebAddress(address: string): boolean {
  return /^https?:\/\//i.test(address);
}
