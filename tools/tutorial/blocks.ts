/** Reads a page whose fenced blocks can be followed by a machine as well as by a person. */

export type Block =
  /** ```yaml file=NAME: a file that the reader makes. */
  | { readonly type: 'file'; readonly line: number; readonly name: string; readonly text: string }
  /** ```sh run [exit=N] [background]: the command of the reader. `output` is the ```text block directly after it. */
  | {
      readonly type: 'run';
      readonly line: number;
      readonly script: string;
      readonly exit: number;
      readonly background: boolean;
      readonly output: string | undefined;
    };

/** Blocks in the order of the page; fences without `run` or `file=` are for people only. */
export function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = [];
  for (const fence of readFences(page)) {
    const [language = '', ...words] = fence.info.split(/\s+/);
    const name = value(words, 'file');
    if (name !== undefined) blocks.push({ type: 'file', line: fence.line, name, text: fence.body });
    else if (words.includes('run')) {
      const exit = Number(value(words, 'exit') ?? '0');
      const background = words.includes('background');
      blocks.push({ type: 'run', line: fence.line, script: fence.body, exit, background, output: undefined });
    } else if (language === 'text' && words.includes('output')) {
      const last = blocks.at(-1);
      if (last?.type !== 'run' || last.output !== undefined) {
        throw new Error(`line ${fence.line}: an output without the commands that print it`);
      }
      blocks[blocks.length - 1] = { ...last, output: fence.body };
    }
  }
  return blocks;
}

/**
 * Whether `printed` matches the page. `…` in the page matches any text within a line, a line of only `…` any lines. The
 * number of spaces is ignored: column widths depend on their content.
 */
export function showsOutput(shown: string, printed: string): boolean {
  const pattern = lines(shown)
    .map((line) => (line === '…' ? '(?:.*\n)*?' : `${line.split('…').map(escape).join('.*')}\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${lines(printed).join('\n')}\n`);
}

function lines(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd().replaceAll(/(?<=\S) +/g, ' '));
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

interface Fence {
  readonly line: number;
  readonly info: string;
  readonly body: string;
}

function readFences(page: string): Fence[] {
  const fences: Fence[] = [];
  let open: { line: number; info: string; body: string[] } | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    if (open === undefined) {
      const info = /^```(\S.*)$/.exec(line)?.[1];
      if (info !== undefined) open = { line: index + 1, info, body: [] };
    } else if (line === '```') {
      fences.push({ line: open.line, info: open.info, body: `${open.body.join('\n')}\n` });
      open = undefined;
    } else open.body.push(line);
  }
  return fences;
}

function value(words: readonly string[], key: string): string | undefined {
  return words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
}
