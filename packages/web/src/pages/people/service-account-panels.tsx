import type { Resource } from '@dais/api';
import { RightsPanel } from './rights-panel.tsx';
import { ServiceTokens } from './service-tokens.tsx';
import { Suspension } from './suspension.tsx';
import { useMay } from '#server/own-access.ts';
import { useSession } from '#server/session.ts';

export interface ServiceAccountPanelsProps {
  readonly resource: Resource;
  readonly project: string;
}

/** Panels of a service account. */
export function ServiceAccountPanels({ resource, project }: ServiceAccountPanelsProps) {
  const { name } = resource.metadata;
  const session = useSession();
  const may = useMay(project);
  const accounts = session?.mode === 'accounts';
  return (
    <>
      {accounts && <ServiceTokens name={name} project={project} />}
      <RightsPanel kind="ServiceAccount" name={name} project={project} />
      {accounts && may('serviceAccount:write') === true && <Suspension resource={resource} />}
    </>
  );
}
