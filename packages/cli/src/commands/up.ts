import { DaisError } from '@dais/api/errors';
import { configFlags, type UpFlagOptions } from '#connection/config-flags.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { colorStyle } from '#output/style.ts';
import { loadUp } from '#server-package.ts';

interface UpOptions extends UpFlagOptions {
  readonly ephemeral?: true;
}

export const run: Run<UpOptions> = async (context, _args, options) => {
  if (options.ephemeral === true && options.data !== undefined) {
    throw new DaisError('invalid_request', 'Give --data or --ephemeral, not both.');
  }
  const { up } = await loadUp();
  const code = await up({
    file: options.config,
    flags: configFlags(options),
    ephemeral: options.ephemeral === true,
    stdout: process.stdout,
    color: context.terminal.style === colorStyle,
  });
  return code === 0 ? exitCodes.ok.code : exitCodes.failed.code;
};
