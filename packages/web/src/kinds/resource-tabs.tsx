import type { KindSpec, Resource } from '@dais/api';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ResourceEvents } from './resource-events.tsx';
import { ResourceHistory } from './resource-history.tsx';
import { ResourceManifest } from './resource-manifest.tsx';
import { useWhyNot } from './use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { Tabs } from '#ui/controls.ts';

export interface LeadTab {
  /** Id in the URL; the first tab is the default. */
  readonly name: string;
  readonly title: string;
  /** Mounted while it is selected. */
  readonly panel: ReactNode;
}

export interface ResourceTabsProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly resource: Resource;
  /** Tabs of the kind, before those of every resource. */
  readonly lead: readonly LeadTab[];
}

/** The tabs of a resource page: those of its kind, then manifest, history and events. */
export function ResourceTabs({ kind, project, resource, lead }: ResourceTabsProps) {
  const { name } = resource.metadata;
  const first = lead[0]?.name ?? 'manifest';
  const { tab = first } = useAddressQuery();
  const navigate = useNavigate();
  const whyNot = useWhyNot(kind, project, resource);
  const choose = (next: string | null) =>
    void navigate({ to: '.', search: { tab: next === first ? undefined : (next ?? undefined) }, replace: true });
  const tabs: readonly LeadTab[] = [
    ...lead,
    { name: 'manifest', title: 'Manifest', panel: <ResourceManifest resource={resource} /> },
    {
      name: 'history',
      title: 'History',
      panel: <ResourceHistory kind={kind} resource={resource} project={project} whyNot={whyNot} />,
    },
    { name: 'events', title: 'Events', panel: <ResourceEvents kind={kind} name={name} project={project} /> },
  ];
  return (
    <Tabs value={tab} onChange={choose} keepMounted={false}>
      <Tabs.List>
        {tabs.map(({ name: value, title }) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ name: value, panel }) => (
        <Tabs.Panel key={value} value={value}>
          {panel}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
