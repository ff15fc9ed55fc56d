import { scripts, type Shell } from '#completion/scripts.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';

export const run: Run = (context, [shell]) => {
  // The parser accepts no other value.
  context.terminal.out(scripts[shell as Shell]);
  return Promise.resolve(exitCodes.ok.code);
};
