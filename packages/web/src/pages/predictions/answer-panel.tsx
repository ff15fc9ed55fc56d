import type { Prediction } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { numberOf, textOf, type PredictionRow } from './prediction-rows.ts';
import { servedVersion } from './served-version.ts';
import { predictionAddress, traceAddress } from '#addresses.ts';
import { milliseconds } from '#pages/endpoints/endpoint-words.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { CopyButton } from '#ui/copy-button.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface AnswerPanelProps {
  readonly project: string;
  readonly prediction: Prediction;
  readonly row: PredictionRow;
}

/** Version, caller, time and result of one prediction. */
export function AnswerPanel({ project, prediction, row: { cells } }: AnswerPanelProps) {
  const { id, endpoint, model, version } = prediction;
  const served = servedVersion(project, model ?? '', version ?? '');
  const status = numberOf(cells['status']) ?? 0;
  const text = (name: string) => textOf(cells[name]);
  const given = (key: string, value: Pair['value'] | undefined): readonly Pair[] =>
    value === undefined || value === '' ? [] : [{ key, value }];
  const pairs: readonly Pair[] = [
    {
      key: 'ID',
      value: (
        <>
          <code>{id}</code> <CopyButton text={id} label="Copy ID" />
        </>
      ),
    },
    { key: 'time', value: <Time at={text('predicted_at')} /> },
    {
      key: 'status',
      value: <StateBadge state={status < 400 ? 'ok' : 'failed'} word={String(status)} />,
    },
    ...given('error', text('error')),
    ...given('version', served?.address === undefined ? served?.text : <Link {...served.address}>{served.text}</Link>),
    ...given('variant', text('variant')),
    ...given(
      'shadow of',
      text('shadow_of') === '' ? undefined : (
        <Link {...predictionAddress(project, endpoint, text('shadow_of'))}>{text('shadow_of')}</Link>
      ),
    ),
    { key: 'latency', value: milliseconds((numberOf(cells['latency_us']) ?? 0) / 1000) },
    ...given(
      'requested by',
      text('principal') === '' ? undefined : <Asker who={text('principal')} project={project} />,
    ),
    ...given('protocol', text('protocol')),
    ...given('request ID', text('request_id') === '' ? undefined : <code>{text('request_id')}</code>),
    ...given(
      'trace',
      text('trace_id') === '' ? undefined : (
        <Link {...traceAddress(project, `tr-${text('trace_id')}`)}>{text('trace_id').slice(0, 8)}</Link>
      ),
    ),
    ...given('parameters', text('parameters') === '{}' ? undefined : text('parameters')),
  ];
  return (
    <Panel title="Request">
      <KeyValue label="Request" pairs={pairs} />
    </Panel>
  );
}

/** `user/ada`; for a token without an owner, a text. */
function Asker({ who, project }: { readonly who: string; readonly project: string }) {
  const [, type, id] = /^([a-z]+)[/:](.+)$/.exec(who) ?? [];
  return type === undefined || id === undefined ? <>{who}</> : <ActorName actor={{ type, id }} project={project} />;
}
