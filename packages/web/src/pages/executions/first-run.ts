/** What to paste into a shell, so that the first command runs here. Pure. */
import { daisCommand, shellWord } from '#kinds/cli-command.ts';

export interface FirstRunInput {
  /** Where the server is reached, without a slash at the end. */
  readonly server: string;
  readonly project: string;
  /** There are accounts: whoever runs something has to say who they are. */
  readonly accounts: boolean;
}

/** A token is never written here: signing in keeps one. */
export function firstRunLines({ server, project, accounts }: FirstRunInput): string {
  return [
    accounts ? `dais login ${shellWord(server)}` : `export DAIS_URL=${shellWord(server)}`,
    `${daisCommand(['run', '--name', 'first'], project)} -- sh -c 'echo hello; sleep 5'`,
    daisCommand(['runs'], project),
  ].join('\n');
}
