/** `dais up` of the built packages as a program of its own: options as JSON in the first argument. What tests start. */
import { DaisError } from '@dais/api';
import { up } from '@dais/server';

const { flags, ephemeral, file } =
  /** @type {{ flags: Record<string, string>, ephemeral?: boolean, file?: string }} */ (
    JSON.parse(process.argv[2] ?? '{}')
  );

try {
  process.exitCode = await up({ file, flags, ephemeral: ephemeral ?? false, stdout: process.stdout, colour: false });
  process.exit();
} catch (error) {
  process.stderr.write(`${error instanceof DaisError ? error.code : 'unexpected'}: ${String(error)}\n`);
  process.exit(1);
}
