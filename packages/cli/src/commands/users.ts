import type { ResourceOf } from '@dais/api';
import {
  createInvitationOperation,
  inviteAdministratorOperation,
  listInvitationsOperation,
  resetPasswordOperation,
  type CreatedInvitation,
} from '@dais/api/access';
import type { Context, Run } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface InviteOptions {
  readonly admin?: true;
  readonly name?: string;
  readonly hours?: number;
}

export const inviteUser: Run<InviteOptions> = async (context, args, { admin, name, hours }) => {
  const client = await context.connect();
  const wish = { email: args[0] ?? '', ...(name !== undefined && { name }), ...(hours !== undefined && { hours }) };
  const operation = admin === true ? inviteAdministratorOperation : createInvitationOperation;
  const code = await showLink(context, await client.perform(operation, wish));
  if (admin !== true) {
    remark(
      context,
      'The user sees no project until a RoleBinding or Team includes them; see `dais explain RoleBinding --example`.',
    );
  }
  return code;
};

interface ResetOptions {
  readonly hours?: number;
  readonly endAccess?: true;
}

export const resetPassword: Run<ResetOptions> = async (context, args, { hours, endAccess }) => {
  const client = await context.connect();
  const wish = { name: args[0] ?? '', ...(hours !== undefined && { hours }), ...(endAccess === true && { endAccess }) };
  return await showLink(context, await client.perform(resetPasswordOperation, wish));
};

/** Only the link is on the standard output, so that a script can pass it on. */
async function showLink(context: Context, invitation: CreatedInvitation): Promise<ExitCode> {
  if (await printedForPrograms(context, invitation)) return exitCodes.ok.code;
  context.terminal.out(`${invitation.link}\n`);
  const ends = invitation.expiresAt.slice(0, 16).replace('T', ' ');
  remark(context, `The link works once, until ${ends} UTC, for anyone who has it. It is not shown again.`);
  const { tokens = 0 } = invitation;
  if (tokens > 0) remark(context, `${tokens} token(s) of the user stay valid; --end-access revokes them.`);
  return exitCodes.ok.code;
}

export const listUsers: Run = async (context) => {
  const client = await context.connect();
  const users: ResourceOf<'User'>[] = [];
  for await (const user of client.list('User')) users.push(user);
  const { items: invitations } = await client.perform(listInvitationsOperation, {});
  if (await printedForPrograms(context, { users, invitations })) return exitCodes.ok.code;
  const rows = [
    ...users.map(({ metadata, spec, status }) => [
      { text: metadata.name },
      { text: spec.displayName ?? '' },
      { text: spec.suspended === true ? 'suspended' : 'active' },
      { text: status.provider ?? 'password' },
    ]),
    ...invitations.map(({ user, email, expiresAt, reset }) => [
      { text: user ?? email },
      { text: '' },
      { text: reset ? 'new password' : 'invited' },
      { text: `link until ${expiresAt.slice(0, 10)}` },
    ]),
  ];
  if (rows.length === 0) {
    remark(context, 'No users. Invite the first administrator with `dais user invite EMAIL --admin`.');
    return exitCodes.ok.code;
  }
  const { terminal } = context;
  const options = { style: terminal.style, columns: terminal.columns };
  terminal.out(table(['name', 'display name', 'state', 'sign-in method'], rows, options));
  return exitCodes.ok.code;
};
