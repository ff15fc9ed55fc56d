import { versionAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';

export interface AliasChipsProps {
  readonly project: string;
  readonly name: string;
  /** Number of the version behind each. */
  readonly aliases: Readonly<Record<string, number>>;
}

/** What versions of a model are called: `champion 3`. */
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
