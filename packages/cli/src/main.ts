/** The `dais` command: reads the command line, does one thing, and says by its exit code how that went. */
import { readEnvironment } from '#environment.ts';
import { runCommandLine } from '#run.ts';

const abort = new AbortController();
// A second Ctrl-C ends at once, by the signal itself.
process.once('SIGINT', () => abort.abort());
// Whoever read our output has stopped, as in `dais get secrets | head -1`: nothing more to do, and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2), {
  environment: readEnvironment(),
  streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  workingFolder: process.cwd(),
  now: Date.now,
  signal: abort.signal,
});
