import { versionAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';

export interface AliasChipsProps {
  readonly project: string;
  readonly name: string;
  /** Number of the version of each alias. */
  readonly aliases: Readonly<Record<string, number>>;
}

/** The aliases of versions: `champion 3`. */
export function AliasChips({ project, name, aliases }: AliasChipsProps) {
  return (
    <span className="alias-chips">
      {Object.entries(aliases)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([alias, version]) => (
          <span key={alias} className="label-chip">
            {alias} <RowLink address={versionAddress(project, name, version)}>{version}</RowLink>
          </span>
        ))}
    </span>
  );
}
