import type { Span } from '@dais/api/tracking';
import { pretty, spanContent } from './span-content.ts';
import { SPAN_STATES } from './trace-words.ts';
import { spanDuration } from './waterfall-table.tsx';
import type { WaterfallRow } from './waterfall.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface SpanPanelProps {
  readonly row: WaterfallRow;
  /** Duration of the whole trace in milliseconds. */
  readonly total: number;
}

/** One span: its error first, then inputs and outputs. */
export function SpanPanel({ row: { span, startMs, durationMs }, total }: SpanPanelProps) {
  const { type, inputs, outputs, attributes } = spanContent(span);
  const failures = (span.events ?? []).filter(({ name }) => name === 'exception');
  const share = durationMs === undefined || total === 0 ? undefined : Math.round((durationMs / total) * 100);
  return (
    <>
      <Panel title={span.name}>
        <KeyValue
          label="Span"
          pairs={[
            { key: 'state', value: <StateBadge {...SPAN_STATES[span.status ?? 'UNSET']} /> },
            ...(span.message === undefined || span.message === '' ? [] : [{ key: 'message', value: span.message }]),
            ...(type === undefined ? [] : [{ key: 'type', value: type.toLowerCase() }]),
            {
              key: 'duration',
              value:
                durationMs === undefined
                  ? 'in progress'
                  : `${spanDuration(durationMs)}${share === undefined ? '' : `, ${share} % of the trace`}`,
            },
            { key: 'start offset', value: spanDuration(startMs) },
            { key: 'ID', value: <code>{span.id}</code> },
          ]}
        />
      </Panel>
      {failures.map((failure, at) => (
        <Failure key={at} failure={failure} />
      ))}
      {inputs !== undefined && <Text title="Inputs" text={inputs} />}
      {outputs !== undefined && <Text title="Outputs" text={outputs} />}
      {attributes.length > 0 && (
        <Panel title="Attributes">
          <KeyValue
            label="Attributes"
            pairs={attributes.map(([key, value]) => ({
              key,
              value: value.includes('\n') ? <pre className="span-text">{value}</pre> : value,
            }))}
          />
        </Panel>
      )}
    </>
  );
}

function Failure({ failure: { attributes = {} } }: { readonly failure: NonNullable<Span['events']>[number] }) {
  const stack = attributes['exception.stacktrace'];
  const title = ['exception.type', 'exception.message'].flatMap((key) =>
    attributes[key] === undefined ? [] : [pretty(attributes[key])],
  );
  return (
    <div className="note note-failed">
      <StateBadge state="failed" word={title.join(': ') || 'Error'} />
      {stack !== undefined && (
        <pre className="span-text" tabIndex={0}>
          {pretty(stack)}
        </pre>
      )}
    </div>
  );
}

function Text({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <Panel title={title} actions={<CopyButton text={text} label={`Copy the ${title.toLowerCase()}`} />}>
      <pre className="span-text" tabIndex={0}>
        {text}
      </pre>
    </Panel>
  );
}
