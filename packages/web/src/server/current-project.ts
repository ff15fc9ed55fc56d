import { useEffect } from 'react';
import { useAddressFields } from './address-fields.ts';

const KEY = 'dais.project';

/** The project in the URL; on pages of the organization, the last visited one. */
export function useCurrentProject(): string {
  const { project } = useAddressFields();
  useEffect(() => {
    if (project !== undefined) localStorage.setItem(KEY, project);
  }, [project]);
  return project ?? localStorage.getItem(KEY) ?? 'default';
}
