import { Link } from '@tanstack/react-router';
import { accessAddress, accountAddress } from '#addresses.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { shownName, useSession, useSignOut } from '#server/session.ts';
import { Menu } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import { toast } from '#ui/toast.ts';
import './person-menu.css';

/** Shows the viewer and links to their account. A server with one owner has no sign-in and no sign-out. */
export function PersonMenu() {
  const session = useSession();
  const project = useCurrentProject();
  const signOut = useSignOut();
  if (session?.actor === undefined) return null;
  const name = shownName(session);
  if (session.mode === 'solo') return <span className="who">{name}</span>;
  const leave = () =>
    void signOut().catch((error: unknown) =>
      toast({ title: 'You are still signed in', text: error instanceof Error ? error.message : '', state: 'failed' }),
    );
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <button type="button" className="person" aria-label={`${name}: account and permissions`}>
          <span className="person-name">{name}</span>
          <Icon name="down" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.actor.id}
          {session.method === 'owner-token' && ' (break-glass)'}
        </Menu.Label>
        <Menu.Item renderRoot={(props) => <Link {...accountAddress('account')} {...props} />}>Account</Menu.Item>
        <Menu.Item renderRoot={(props) => <Link {...accountAddress('tokens')} {...props} />}>API tokens</Menu.Item>
        <Menu.Item renderRoot={(props) => <Link {...accountAddress('sessions')} {...props} />}>Sessions</Menu.Item>
        <Menu.Item renderRoot={(props) => <Link {...accessAddress(project)} {...props} />}>My permissions</Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={leave}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
