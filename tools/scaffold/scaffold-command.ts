/** The command line of a scaffold. */
import { root } from '../command.mjs';
import { namesOf, type Names } from './names.ts';
import { writeScaffold, type Scaffold } from './scaffold.ts';

export interface ScaffoldCommand {
  /** Name of the program in `tools`. */
  readonly program: string;
  /** What it creates, as a sentence. */
  readonly summary: string;
  /** Form of the argument; without it `NAME`. */
  readonly argument?: string;
  /** A prefix that NAME may have. */
  readonly prefix?: string;
  readonly scaffold: (names: Names, argument: string) => Scaffold;
}

/** Writes the scaffold that the arguments name. Prints help for `--help`, and an error with exit code 2 for invalid arguments. */
export async function runScaffold({
  program,
  summary,
  argument = 'NAME',
  prefix = '',
  scaffold,
}: ScaffoldCommand): Promise<void> {
  const help = [
    `usage: npx tsx tools/${program}.ts ${argument}`,
    '',
    summary,
    'NAME is in the singular, as FeatureView or feature-view. The command prints the touched folders and the remaining steps.',
    'CONTRIBUTING.md describes every file.',
    '',
  ].join('\n');
  const [name, ...more] = process.argv.slice(2);
  if (name === '--help' || name === '-h') {
    process.stdout.write(help);
    return;
  }
  try {
    if (name === undefined || more.length > 0) throw new Error('the command has one argument');
    process.stdout.write(
      await writeScaffold(root, scaffold(namesOf(name.startsWith(prefix) ? name.slice(prefix.length) : name), name)),
    );
  } catch (error) {
    process.stderr.write(`${program}: ${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exitCode = 2;
  }
}
