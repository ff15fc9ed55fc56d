import { useParams, useSearch } from '@tanstack/react-router';

/** The path parameters of the current URL. Routes have different ones; a page reads its own. */
export interface AddressFields {
  readonly project?: string;
  readonly plural?: string;
  readonly name?: string;
  readonly experiment?: string;
  readonly run?: string;
  readonly version?: string;
  readonly trace?: string;
  readonly model?: string;
  readonly execution?: string;
  readonly endpoint?: string;
  readonly prediction?: string;
  readonly job?: string;
}

export function useAddressFields(): AddressFields {
  const fields: AddressFields = useParams({ strict: false });
  return fields;
}

/** The query of the URL: texts, as a user may have typed them. */
export function useAddressQuery(): Readonly<Record<string, string | undefined>> {
  const query: Readonly<Record<string, string | undefined>> = useSearch({ strict: false });
  return query;
}
