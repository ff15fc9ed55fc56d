import type { EndpointFigures, EndpointVariant } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { milliseconds, VARIANT_STATES, versionOf, weightText } from './endpoint-words.ts';
import { useFigures, type EndpointScope, type EndpointStatus } from './use-endpoint.ts';
import { versionAddress } from '#addresses.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable, type PlainColumn } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface TrafficPanelProps {
  readonly scope: EndpointScope;
  readonly status: EndpointStatus;
}

/** With several nodes. */
const GATEWAYS: PlainColumn<EndpointVariant> = {
  title: 'Gateways',
  narrow: true,
  about: 'Gateways that have the model ready, of those of all live nodes',
  cell: ({ gateways }) => {
    if (gateways === undefined) return '–';
    const { ready, live, waiting } = gateways;
    const title = waiting.length === 0 ? undefined : `Not ready: ${waiting.join(', ')}`;
    return <span title={title}>{`${ready} of ${live} ready`}</span>;
  },
};

/** The serving versions, with latency and error rate. */
export function TrafficPanel({ scope, status }: TrafficPanelProps) {
  const { data, error, refetch } = useFigures(scope);
  const variants = status.variants ?? [];
  const of = (name: string): EndpointFigures['variants'][number] | undefined =>
    data?.variants.find((one) => one.name === name);
  return (
    <Panel
      title="Active variants"
      flush={variants.length > 0}
      actions={
        data?.live === false ? <span className="dim">the gateway reports no metrics at the moment</span> : undefined
      }
    >
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {variants.length === 0 ? (
        <p className="dim">No variants yet. Deploy a model version to add one.</p>
      ) : (
        <PlainTable
          label="Variants"
          rows={variants}
          keyOf={({ name }) => name}
          columns={[
            { title: 'Variant', cell: ({ name, role }) => (role === 'shadow' ? `${name} (shadow)` : name) },
            {
              title: 'Model',
              cell: (variant) => <ModelLink project={scope.project} variant={variant} />,
            },
            {
              title: 'State',
              narrow: true,
              cell: ({ state, message }) => <StateBadge {...VARIANT_STATES[state]} why={message} />,
            },
            ...(variants.some(({ gateways }) => gateways !== undefined) ? [GATEWAYS] : []),
            { title: 'Traffic', narrow: true, cell: ({ weight }) => weightText(weight) },
            { title: 'Requests/s', narrow: true, cell: ({ name }) => of(name)?.ratePerSecond ?? '–' },
            { title: 'p50', narrow: true, cell: ({ name }) => milliseconds(of(name)?.p50Ms ?? null) },
            { title: 'p99', narrow: true, cell: ({ name }) => milliseconds(of(name)?.p99Ms ?? null) },
            {
              title: 'Errors',
              narrow: true,
              about: 'Responses with status 5xx, of all requests since the gateway started',
              cell: ({ name }) => {
                const figures = of(name);
                return figures === undefined ? '–' : `${figures.failed} of ${figures.requests}`;
              },
            },
            {
              title: 'Instances',
              narrow: true,
              about: 'Instances of the model; variants of the same model share them',
              cell: ({ name }) => of(name)?.workers ?? '–',
            },
            { title: 'Engine', narrow: true, cell: ({ engine }) => engine ?? '' },
          ]}
        />
      )}
    </Panel>
  );
}

interface ModelLinkProps {
  readonly project: string;
  readonly variant: EndpointVariant;
}

/** `models:/flights/7` links to the version. */
function ModelLink({ project, variant }: ModelLinkProps) {
  const { model, version } = versionOf(variant);
  if (model === undefined || version === undefined) return <code>{variant.model}</code>;
  return (
    <Link {...versionAddress(project, model, version)}>
      {model}/{version}
    </Link>
  );
}
