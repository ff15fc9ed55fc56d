import { colorStyle, plainStyle, type Style } from '#output/style.ts';

/** The output streams of a command with their capabilities. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Everything else: errors, warnings, progress. */
  err(text: string): void;
  readonly style: Style;
  readonly errStyle: Style;
  /** Width of the terminal; undefined when results go to a file or a pipe, which are never truncated. */
  readonly columns: number | undefined;
  /** A line on the terminal that changes in place; does nothing where there is none. */
  progress(text: string): void;
  readonly showsProgress: boolean;
  /** Whether a user can answer a question. */
  readonly interactive: boolean;
}

export interface Streams {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
}

export function openTerminal(streams: Streams, options: { readonly color: boolean }): Terminal {
  const { stdin, stdout, stderr } = streams;
  const styleFor = (isTerminal: boolean | undefined) =>
    options.color && isTerminal === true ? colorStyle : plainStyle;
  const showsProgress = stderr.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stderr.write('\r\u001b[2K');
    shown = false;
  };
  return {
    out: (text) => {
      clear();
      stdout.write(text);
    },
    err: (text) => {
      clear();
      stderr.write(text);
    },
    style: styleFor(stdout.isTTY),
    errStyle: styleFor(stderr.isTTY),
    columns: stdout.isTTY === true ? (stdout.columns ?? 80) : undefined,
    progress: (text) => {
      if (!showsProgress) return;
      clear();
      if (text === '') return;
      stderr.write(text.slice(0, (stderr.columns ?? 80) - 1));
      shown = true;
    },
    showsProgress,
    interactive: stdin.isTTY === true && stderr.isTTY === true,
  };
}
