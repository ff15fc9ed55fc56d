/** `dais up` as a separate program, for tests that kill it: options as JSON in the first argument. */
import { DaisError } from '@dais/api';
import { up } from '#up.ts';

const { flags, ephemeral, file } = JSON.parse(process.argv[2] ?? '{}') as {
  flags: Record<string, string>;
  ephemeral?: boolean;
  file?: string;
};

try {
  process.exitCode = await up({
    file,
    flags,
    ephemeral: ephemeral ?? false,
    stdout: process.stdout,
    color: false,
    checkOutputs: true,
  });
  process.exit();
} catch (error) {
  process.stderr.write(`${error instanceof DaisError ? error.code : 'unexpected'}: ${String(error)}\n`);
  process.exit(1);
}
