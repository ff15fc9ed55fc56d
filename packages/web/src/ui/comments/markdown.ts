/** The part of Markdown that comments are written in. What it does not know stays text: nothing of it is ever HTML. */

export type Inline =
  | { readonly type: 'text' | 'code'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis'; readonly content: readonly Inline[] }
  | { readonly type: 'link'; readonly address: string; readonly text: string }
  | { readonly type: 'mention'; readonly name: string };

export type Block =
  | { readonly type: 'paragraph' | 'heading' | 'quote'; readonly content: readonly Inline[] }
  | { readonly type: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly type: 'code'; readonly text: string };

/** `mentions`: names behind `@` that are users. */
export function parseMarkdown(text: string, mentions: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const inline = (part: string) => parseInline(part, mentions);
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at += 1;
    } else if (line.startsWith('```')) {
      const rest = lines.slice(at + 1);
      const length = rest.findIndex((one) => one.startsWith('```'));
      const code = length < 0 ? rest : rest.slice(0, length);
      blocks.push({ type: 'code', text: code.join('\n') });
      at += code.length + 2;
    } else if (LIST.test(line)) {
      const items = takeWhile(lines, at, (one) => LIST.test(one));
      blocks.push({
        type: 'list',
        ordered: /^\s*\d/.test(line),
        items: items.map((one) => inline(one.replace(LIST, ''))),
      });
      at += items.length;
    } else if (line.startsWith('>')) {
      const quoted = takeWhile(lines, at, (one) => one.startsWith('>'));
      blocks.push({ type: 'quote', content: inline(quoted.map((one) => one.replace(/^> ?/, '')).join('\n')) });
      at += quoted.length;
    } else if (HEADING.test(line)) {
      blocks.push({ type: 'heading', content: inline(line.replace(HEADING, '')) });
      at += 1;
    } else {
      const own = takeWhile(lines, at, (one) => one.trim() !== '' && !OTHER.test(one));
      blocks.push({ type: 'paragraph', content: inline(own.join('\n')) });
      at += own.length;
    }
  }
  return blocks;
}

const LIST = /^\s{0,6}(?:[-*+]|\d{1,4}[.)])\s+/;
const HEADING = /^#{1,6}\s+/;
/** What begins something else than a paragraph. */
const OTHER = /^(?:```|>|#{1,6}\s|\s{0,6}(?:[-*+]|\d{1,4}[.)])\s)/;

function takeWhile(lines: readonly string[], from: number, fits: (line: string) => boolean): readonly string[] {
  const end = lines.findIndex((line, at) => at >= from && !fits(line));
  return lines.slice(from, end < 0 ? lines.length : Math.max(end, from + 1));
}

/** Each form by its own pattern; the one that begins first wins. */
const FORMS = [
  /`(?<code>[^`\n]+)`/,
  /\[(?<label>[^\]\n]{1,500})\]\((?<target>https?:\/\/[^\s()]{1,2000}(?:\([^\s()]*\)[^\s()]*)?)\)/,
  /\*\*(?<strong>[^*\n]{1,2000})\*\*/,
  /(?<![\w*])[*_](?<emphasis>[^*_\n]{1,2000})[*_](?![\w*])/,
  /(?<bare>https?:\/\/[^\s<>"'`\]]{1,2000})/,
  /(?<![\p{L}\p{N}_@/.-])@(?<name>[\p{L}\p{N}][\p{L}\p{N}._+-]*(?:@[\p{L}\p{N}][\p{L}\p{N}.-]*)?)/u,
].map(({ source }) => source);
const ANY = new RegExp(FORMS.join('|'), 'gu');

function parseInline(text: string, mentions: readonly string[]): readonly Inline[] {
  const parts: Inline[] = [];
  let last = 0;
  const plain = (until: number) => {
    if (until > last) parts.push({ type: 'text', text: text.slice(last, until) });
  };
  for (const match of text.matchAll(ANY)) {
    const { code, label, target, strong, emphasis, bare, name } = match.groups ?? {};
    const found: readonly [Inline, string] | undefined =
      code !== undefined
        ? [{ type: 'code', text: code }, match[0]]
        : label !== undefined && target !== undefined
          ? [{ type: 'link', address: target, text: label }, match[0]]
          : strong !== undefined
            ? [{ type: 'strong', content: parseInline(strong, mentions) }, match[0]]
            : emphasis !== undefined
              ? [{ type: 'emphasis', content: parseInline(emphasis, mentions) }, match[0]]
              : bare !== undefined
                ? bareLink(bare)
                : mention(name ?? '', mentions);
    if (found === undefined) continue;
    plain(match.index);
    parts.push(found[0]);
    last = match.index + found[1].length;
  }
  plain(text.length);
  return parts;
}

/** What ends a sentence is no part of an address, nor is the bracket around it. */
function bareLink(text: string): readonly [Inline, string] {
  let address = text.replace(/[.,;:!?]+$/, '');
  while (address.endsWith(')') && !address.includes('(')) address = address.slice(0, -1).replace(/[.,;:!?]+$/, '');
  return [{ type: 'link', address, text: address }, address];
}

function mention(name: string, mentions: readonly string[]): readonly [Inline, string] | undefined {
  const known = name.replace(/[.-]+$/, '');
  return mentions.includes(known) ? [{ type: 'mention', name: known }, `@${known}`] : undefined;
}
