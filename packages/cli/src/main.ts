/** The `dais` command: parses the command line, runs one command, and returns its result as the exit code. */
import { readEnvironment } from '#environment.ts';
import { runCommandLine } from '#run.ts';

const abort = new AbortController();
// A second Ctrl-C ends the process immediately through the signal.
process.once('SIGINT', () => abort.abort());
// The reader of the output has stopped, as in `dais get secrets | head -1`: that is not an error.
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
