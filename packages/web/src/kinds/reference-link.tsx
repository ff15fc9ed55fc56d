import { Link } from '@tanstack/react-router';
import { namedAddress } from '#addresses.ts';

export interface ReferenceLinkProps {
  readonly kind: string;
  readonly name: string;
  readonly project: string;
}

/** Links to a referenced resource. */
export function ReferenceLink({ kind, name, project }: ReferenceLinkProps) {
  const address = namedAddress(kind, project, name);
  return address === undefined ? <span>{name}</span> : <Link {...address}>{name}</Link>;
}
