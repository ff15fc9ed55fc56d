/** `dais up` of the built packages as a program of its own: what the journeys stand on. Flags as JSON in the first argument. */
import { up } from '@dais/server';

const { flags } = /** @type {{ flags: Record<string, string> }} */ (JSON.parse(process.argv[2] ?? '{}'));
process.exitCode = await up({ flags, ephemeral: false, stdout: process.stdout, colour: false });
process.exit();
