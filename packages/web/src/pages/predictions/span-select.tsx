import { BETWEEN, localText, SPANS, timeSpan, USUAL_SPAN, type SpanQuery } from './time-span.ts';
import { Select, TextInput } from '#ui/controls.ts';

export interface SpanSelectProps extends SpanQuery {
  readonly now: number;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** Selects a time range that ends now, or one with two ends. */
export function SpanSelect({ time = USUAL_SPAN, from, until, now, update }: SpanSelectProps) {
  const span = timeSpan({ time, from, until }, now);
  const field = (label: string, key: 'from' | 'until', ms: number) => (
    <TextInput
      aria-label={label}
      type="datetime-local"
      value={localText(ms)}
      onChange={(event) => {
        const at = Date.parse(event.currentTarget.value);
        if (!Number.isNaN(at)) update({ [key]: new Date(at).toISOString() });
      }}
    />
  );
  return (
    <>
      <Select
        aria-label="Time"
        value={time}
        data={[...SPANS.map(({ value, label }) => ({ value, label })), { value: BETWEEN, label: 'between …' }]}
        allowDeselect={false}
        onChange={(value) =>
          update(
            value === BETWEEN
              ? {
                  time: BETWEEN,
                  from: new Date(span.from).toISOString(),
                  until: new Date(span.until ?? now).toISOString(),
                }
              : { time: value === USUAL_SPAN ? undefined : (value ?? undefined), from: undefined, until: undefined },
          )
        }
        comboboxProps={{ withinPortal: false }}
      />
      {time === BETWEEN && (
        <>
          {field('From', 'from', span.from)}
          {field('Until', 'until', span.until ?? now)}
        </>
      )}
    </>
  );
}
