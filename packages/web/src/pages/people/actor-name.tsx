import { Link } from '@tanstack/react-router';
import { namedAddress } from '#addresses.ts';

export interface ActorNameProps {
  readonly actor: { readonly type: string; readonly id: string };
  readonly project: string;
}

/** The actor of an event, with a link where the account exists. */
export function ActorName({ actor, project }: ActorNameProps) {
  if (actor.type === 'system') return <strong>dais</strong>;
  const kind = actor.type === 'service' ? 'ServiceAccount' : 'User';
  const address =
    actor.id === 'owner' || actor.id === '(forgotten)' ? undefined : namedAddress(kind, project, actor.id);
  return address === undefined ? <strong>{actor.id}</strong> : <Link {...address}>{actor.id}</Link>;
}
