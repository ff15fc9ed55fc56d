import { useEffect } from 'react';
import { useAddressFields } from './address-fields.ts';

const KEY = 'dais.project';

/** The project of the address; on pages of the organization, the one that was looked at last. */
export function useCurrentProject(): string {
  const { project } = useAddressFields();
  useEffect(() => {
    if (project !== undefined) localStorage.setItem(KEY, project);
  }, [project]);
  return project ?? localStorage.getItem(KEY) ?? 'default';
}
