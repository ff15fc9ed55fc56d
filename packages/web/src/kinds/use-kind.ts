import { findKind, DaisError, type KindSpec } from '@dais/api';
import { useAddressFields } from '#server/address-fields.ts';

/** Returns the kind in the URL. @throws DaisError `unknown_kind`, which the page's error view shows. */
export function useKind(): KindSpec {
  const { plural = '', project } = useAddressFields();
  const kind = findKind(plural);
  if (kind === undefined || (kind.scope === 'project') !== (project !== undefined)) {
    throw new DaisError('unknown_kind', `There is no kind "${plural}".`);
  }
  return kind;
}
