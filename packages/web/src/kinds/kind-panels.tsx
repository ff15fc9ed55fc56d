/**
 * Panels of a kind in addition to the pages that all kinds share. The only module of the generic pages that names
 * kinds.
 */
import type { KindSpec, Resource } from '@dais/api';
import { lazy, Suspense } from 'react';

const UserPanels = lazy(async () => ({ default: (await import('#pages/people/user-panels.tsx')).UserPanels }));
const ServiceAccountPanels = lazy(async () => ({
  default: (await import('#pages/people/service-account-panels.tsx')).ServiceAccountPanels,
}));
const RightsPanel = lazy(async () => ({ default: (await import('#pages/people/rights-panel.tsx')).RightsPanel }));
const PolicyPanels = lazy(async () => ({ default: (await import('#pages/policies/policy-panels.tsx')).PolicyPanels }));
const ViolationsPanel = lazy(async () => ({
  default: (await import('#pages/policies/violations-panel.tsx')).ViolationsPanel,
}));
const PipelinePanels = lazy(async () => ({
  default: (await import('#pages/pipelines/pipeline-panels.tsx')).PipelinePanels,
}));
const SchedulePanels = lazy(async () => ({
  default: (await import('#pages/schedules/schedule-panels.tsx')).SchedulePanels,
}));
const TargetPanels = lazy(async () => ({ default: (await import('#pages/targets/target-panels.tsx')).TargetPanels }));
const Invitations = lazy(async () => ({ default: (await import('#pages/people/invitations.tsx')).Invitations }));

export interface KindPanelsProps {
  readonly kind: KindSpec;
  readonly resource: Resource;
  readonly project: string;
}

/** Shown after the overview of a resource. */
export function KindPanels({ kind, resource, project }: KindPanelsProps) {
  return (
    <Suspense>
      {kind.kind === 'User' && <UserPanels resource={resource} project={project} />}
      {kind.kind === 'ServiceAccount' && <ServiceAccountPanels resource={resource} project={project} />}
      {kind.kind === 'Team' && <RightsPanel kind="Team" name={resource.metadata.name} project={project} />}
    </Suspense>
  );
}

/** Shown before the overview of a resource: the main content of its page. */
export function LeadPanels({ kind, resource, project }: KindPanelsProps) {
  return (
    <Suspense>
      {kind.kind === 'Pipeline' && <PipelinePanels resource={resource} project={project} />}
      {kind.kind === 'Schedule' && <SchedulePanels resource={resource} project={project} />}
      {kind.kind === 'Target' && <TargetPanels resource={resource} project={project} />}
      {isPolicy(kind) && <ViolationsPanel resource={resource} project={project} />}
    </Suspense>
  );
}

function isPolicy({ kind }: KindSpec): boolean {
  return kind === 'Policy' || kind === 'OrganizationPolicy';
}

/** Shown before the list of a kind. */
export function ListPanels({ kind, project }: Omit<KindPanelsProps, 'resource'>) {
  return <Suspense>{kind.kind === 'User' && <Invitations project={project} />}</Suspense>;
}

export interface EditorPanelsProps {
  readonly kind: KindSpec;
  readonly project: string;
  /** The manifest in the editor. */
  readonly text: string;
}

/** Shown on the side of a kind's editor. */
export function EditorPanels({ kind, project, text }: EditorPanelsProps) {
  const word = kind.kind;
  if (word !== 'Policy' && word !== 'OrganizationPolicy') return null;
  return (
    <Suspense>
      <PolicyPanels kind={word} project={project} text={text} />
    </Suspense>
  );
}
