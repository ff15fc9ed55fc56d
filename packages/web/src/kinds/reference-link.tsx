import { Link } from '@tanstack/react-router';
import { namedAddress } from '#addresses.ts';

export interface ReferenceLinkProps {
  readonly kind: string;
  readonly name: string;
  readonly project: string;
}

/** A resource that is named somewhere: never plain text. */
export function ReferenceLink({ kind, name, project }: ReferenceLinkProps) {
  const address = namedAddress(kind, project, name);
  return address === undefined ? <span>{name}</span> : <Link {...address}>{name}</Link>;
}
