import type { Span, Trace } from '@dais/api/tracking';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { AssessmentsPanel } from './assessments-panel.tsx';
import { SpanPanel } from './span-panel.tsx';
import { costText, ownTags, tokensOf, TRACE_STATES, traceName } from './trace-words.ts';
import { useSpans, useTrace } from './use-traces.ts';
import { waterfallOf } from './waterfall.ts';
import { WaterfallTable } from './waterfall-table.tsx';
import { experimentAddress, runAddress, tracesAddress } from '#addresses.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { durationText } from '#pages/runs/run-words.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/label-chip.css';
import './traces.css';

/** One trace, span by span: `?span=` selects a span. */
export function TracePage() {
  const project = useCurrentProject();
  const { trace: id = '' } = useAddressFields();
  return <OneTrace key={`${project} ${id}`} project={project} id={id} />;
}

function OneTrace({ project, id }: { readonly project: string; readonly id: string }) {
  const { data: trace, error, refetch } = useTrace(project, id);
  const spans = useSpans(project, trace);
  const forms = useCopyForms({
    command: daisCommand(['open'], project),
    call: { project, path: `/api/v1/tracking/traces/${encodeURIComponent(id)}` },
  });
  const name = trace === undefined ? id : traceName(trace);
  const address = `mlflow.get_trace("${id}")`;
  return (
    <div className="page">
      <PageHead
        title={`Trace ${name}`}
        under={trace === undefined ? undefined : <Under project={project} trace={trace} />}
        actions={<CopyAs forms={[{ title: 'Python', preview: address, text: () => address }, ...forms]} />}
      />
      {error !== null && (
        <ErrorNote error={error} retry={() => void refetch()}>
          <p>
            <Link {...tracesAddress(project)}>All traces</Link>
          </p>
        </ErrorNote>
      )}
      {spans.error !== null && <ErrorNote error={spans.error} retry={() => void spans.refetch()} />}
      {trace === undefined || spans.data === undefined ? (
        error === null && spans.error === null && <Skeleton rows={10} />
      ) : (
        <Body project={project} trace={trace} spans={spans.data} />
      )}
    </div>
  );
}

function Under({ project, trace }: { readonly project: string; readonly trace: Trace }) {
  const run = trace.metadata['mlflow.sourceRun'];
  const tokens = tokensOf(trace);
  const cost = trace.cost?.['total_cost'];
  return (
    <>
      <Link {...tracesAddress(project)}>Traces</Link>
      <StateBadge {...TRACE_STATES[trace.state]} />
      <span>
        <Time at={new Date(trace.requestedAt).toISOString()} />, {durationText(trace.durationMs)}
      </span>
      <span>
        from experiment <Link {...experimentAddress(project, trace.experimentId)}>{trace.experimentId}</Link>
        {run !== undefined && (
          <>
            {' '}
            → run{' '}
            <Link {...runAddress(project, run)}>
              <code>{run.slice(0, 8)}</code>
            </Link>
          </>
        )}
      </span>
      {tokens !== undefined && <span>{tokens.toLocaleString('en')} tokens</span>}
      {cost !== undefined && <span>{costText(cost)}</span>}
    </>
  );
}

interface BodyProps {
  readonly project: string;
  readonly trace: Trace;
  readonly spans: readonly Span[];
}

function Body({ project, trace, spans }: BodyProps) {
  const navigate = useNavigate();
  const { span: requested } = useAddressQuery();
  const waterfall = useMemo(() => waterfallOf(spans), [spans]);
  const row = waterfall.rows.find(({ span }) => span.id === requested) ?? waterfall.rows[0];
  const select = (id: string) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, span: id }), replace: true });
  return (
    <div className="trace">
      <div className="trace-column">
        {row === undefined ? (
          <EmptyState sentence="No spans stored for this trace." />
        ) : (
          <Panel title={`${spans.length.toLocaleString('en')} ${spans.length === 1 ? 'span' : 'spans'}`} flush>
            <WaterfallTable waterfall={waterfall} chosen={row.span.id} select={select} />
          </Panel>
        )}
        {trace.spans > spans.length && (
          <p className="dim">
            The first {spans.length.toLocaleString('en')} of {trace.spans.toLocaleString('en')} spans are shown.
          </p>
        )}
        <AssessmentsPanel project={project} trace={trace} />
        <Panel title="Details">
          <KeyValue label="Details" pairs={aboutPairs(trace)} />
        </Panel>
      </div>
      <div className="trace-column">
        {row === undefined ? (
          <Previews trace={trace} />
        ) : (
          <SpanPanel key={row.span.id} row={row} total={waterfall.totalMs} />
        )}
      </div>
    </div>
  );
}

/** Request and response are shown even where no span is stored. */
function Previews({ trace: { requestPreview, responsePreview } }: { readonly trace: Trace }) {
  return (
    <>
      {requestPreview !== undefined && <Text title="Request" text={requestPreview} />}
      {responsePreview !== undefined && <Text title="Response" text={responsePreview} />}
    </>
  );
}

function Text({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <Panel title={title} actions={<CopyButton text={text} label={`Copy: ${title.toLowerCase()}`} />}>
      <pre className="span-text" tabIndex={0}>
        {text}
      </pre>
    </Panel>
  );
}

function aboutPairs(trace: Trace): readonly Pair[] {
  const { id, clientRequestId, metadata, usage } = trace;
  return [
    {
      key: 'id',
      value: (
        <>
          <code>{id}</code> <CopyButton text={id} label="Copy ID" />
        </>
      ),
    },
    ...(clientRequestId === undefined ? [] : [{ key: 'request', value: clientRequestId }]),
    ...ownTags(trace).map(([key, value]) => ({ key: `tag ${key}`, value })),
    ...Object.entries(usage ?? {}).map(([key, value]) => ({
      key: key.replaceAll('_', ' '),
      value: value.toLocaleString('en'),
    })),
    ...Object.entries(metadata).map(([key, value]) => ({ key, value: value.slice(0, 2000) })),
  ];
}
