import type { Resource } from '@dais/api';
import { endpointKind, type EndpointFigures, type EndpointVariant } from '@dais/api/serving';
import type { ReactNode } from 'react';
import { milliseconds, totals, versionOf, VARIANT_STATES, weightText } from './endpoint-words.ts';
import { useListedFigures, type EndpointStatus } from './use-endpoint.ts';
import { resourceAddress, versionAddress } from '#addresses.ts';
import { resourceState } from '#kinds/resource-state.ts';
import { RowLink } from '#kinds/row-link.tsx';
import type { TableColumn } from '#ui/resource-table.tsx';
import { StateBadge, StateShape } from '#ui/state-badge.tsx';

/** Only visible rows load their operational metrics. */
export function endpointColumns(project: string): readonly TableColumn<Resource>[] {
  const figure = (
    id: string,
    title: string,
    width: string,
    read: (figures: EndpointFigures) => ReactNode,
  ): TableColumn<Resource> => ({
    id,
    title,
    width,
    end: true,
    cell: ({ metadata }) => <FigureCell project={project} name={metadata.name} read={read} />,
  });
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(120px, 1.4fr)',
      cell: ({ metadata }) => (
        <RowLink address={resourceAddress(endpointKind, project, metadata.name)}>{metadata.name}</RowLink>
      ),
      sortValue: ({ metadata }) => metadata.name,
    },
    {
      id: 'ready',
      title: 'Ready',
      width: '90px',
      cell: (resource) => {
        const state = resourceState(resource);
        return state === undefined ? null : <StateBadge {...state} />;
      },
      sortValue: (resource) => resourceState(resource)?.word ?? '',
    },
    {
      id: 'versions',
      title: 'Active versions',
      width: 'minmax(160px, 2fr)',
      cell: ({ status }) => <Versions project={project} variants={(status as EndpointStatus).variants ?? []} />,
    },
    {
      id: 'rollout',
      title: 'Rollout',
      width: 'minmax(120px, 1.2fr)',
      cell: ({ status }) => <RolloutCell rollout={(status as EndpointStatus).rollout} />,
      sortValue: ({ status }) => (status as EndpointStatus).rollout?.state ?? '',
    },
    figure('rate', 'Requests/s', '70px', (figures) => totals(figures).ratePerSecond),
    figure('p50 latency', 'p50 latency', '70px', (figures) => milliseconds(totals(figures).p50Ms)),
    figure('p99 latency', 'p99 latency', '70px', (figures) => milliseconds(totals(figures).p99Ms)),
    figure('failed', 'Errors/s', '80px', (figures) => {
      const { failedPerSecond, failed, requests } = totals(figures);
      return (
        <span title={`${failed} of ${requests} failed since the gateway started`}>
          {failedPerSecond > 0 && <StateShape state="failed" />} {failedPerSecond}/s
        </span>
      );
    }),
    figure('instances', 'Instances', '80px', (figures) => totals(figures).workers),
    {
      id: 'environment',
      title: 'Environment',
      width: '70px',
      cell: ({ spec }) => environmentOf(spec),
      sortValue: ({ spec }) => environmentOf(spec),
    },
  ];
}

function environmentOf(spec: Resource['spec']): string {
  return (spec as { readonly environment?: string }).environment ?? 'dev';
}

interface FigureCellProps {
  readonly project: string;
  readonly name: string;
  readonly read: (figures: EndpointFigures) => ReactNode;
}

function FigureCell({ project, name, read }: FigureCellProps) {
  const { data } = useListedFigures(project, name);
  if (data === undefined) return <span className="dim">–</span>;
  return data.live ? (
    <>{read(data)}</>
  ) : (
    <span className="dim" title="The gateway reports no metrics at the moment.">
      –
    </span>
  );
}

interface VersionsProps {
  readonly project: string;
  readonly variants: readonly EndpointVariant[];
}

/** `flights/7 90 %, flights/8 10 %`, with the state of variants that fail or are not ready. */
function Versions({ project, variants }: VersionsProps) {
  return variants.map((variant, at) => {
    const { name, role, weight, state, message } = variant;
    const { model, version } = versionOf(variant);
    const words = VARIANT_STATES[state];
    return (
      <span key={name} title={`${name}: ${message ?? words.word}`}>
        {at > 0 && ', '}
        {state !== 'ready' && (
          <>
            <StateShape state={words.state} />{' '}
          </>
        )}
        {model === undefined || version === undefined ? (
          variant.model
        ) : (
          <RowLink address={versionAddress(project, model, version)}>
            {model}/{version}
          </RowLink>
        )}
        {(variants.length > 1 || state !== 'ready') && (
          <span className="dim"> {role === 'shadow' ? 'shadow' : weightText(weight)}</span>
        )}
      </span>
    );
  });
}

function RolloutCell({ rollout }: { readonly rollout: EndpointStatus['rollout'] }) {
  if (rollout === undefined) return null;
  const paused = rollout.state === 'paused';
  return (
    <StateBadge
      state={paused ? 'warning' : 'running'}
      word={`${paused ? 'paused' : 'in progress'}, ${weightText(rollout.weight)}`}
      why={rollout.message}
    />
  );
}
