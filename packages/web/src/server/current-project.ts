import { useEffect } from 'react';
import { useAddressParts } from './address-parts.ts';

const KEY = 'dais.project';

/** The project of the address; on pages of the organization, the one that was looked at last. */
export function useCurrentProject(): string {
  const { project } = useAddressParts();
  useEffect(() => {
    if (project !== undefined) localStorage.setItem(KEY, project);
  }, [project]);
  return project ?? localStorage.getItem(KEY) ?? 'default';
}
