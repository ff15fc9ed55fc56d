import type { Rollout } from '@dais/api/serving';
import { milliseconds, STATUSES, weightText } from './endpoint-words.ts';
import { ramp, type RampBar, type RampStep } from './ramp.ts';
import { durationText } from '#pages/runs/run-words.ts';
import { useNow } from '#ui/clock.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import '#ui/plot/series-style.css';
import './endpoints.css';

/** The traffic share of the new version, step by step, with the metrics of both versions. */
export function RolloutRamp({ rollout }: { readonly rollout: Rollout }) {
  const steps = ramp(rollout, useNow());
  return (
    <figure className="ramp-figure">
      <div className="scroll-x" role="region" aria-label="Traffic ramp" tabIndex={0}>
        <ol className="ramp">
          {steps.map((step) => (
            <li key={step.number} style={{ flexGrow: step.width }} data-status={step.status ?? 'ahead'}>
              <Step step={step} />
            </li>
          ))}
        </ol>
      </div>
      <figcaption>
        <span className="ramp-key" data-key="canary">
          new version
        </span>
        <span className="ramp-key" data-key="stable">
          current version
        </span>
        <span className="dim">Height: share of traffic (%). Width: duration.</span>
      </figcaption>
    </figure>
  );
}

function Step({ step }: { readonly step: RampStep }) {
  const { number, weight, status, message, seconds, failed, p99 } = step;
  return (
    <>
      <div className="ramp-space" title={message}>
        <div className="ramp-bar" style={{ height: `${Math.max(weight, 1)}%` }} />
      </div>
      <b>{number === 0 ? 'loading' : weightText(weight)}</b>
      <span>
        {status === undefined ? (
          <span className="dim">pending</span>
        ) : (
          <StateBadge {...STATUSES[status]} why={message} />
        )}
        {seconds !== undefined && <span className="dim"> {durationText(seconds * 1000)}</span>}
      </span>
      {(failed.canary ?? failed.stable) !== undefined && (
        <Pair title="failed" canary={failed.canary} stable={failed.stable} words={shareWords} />
      )}
      {(p99.canary ?? p99.stable) !== undefined && (
        <Pair title="p99" canary={p99.canary} stable={p99.stable} words={milliseconds} />
      )}
    </>
  );
}

const shareWords = (share: number) => `${Number((share * 100).toFixed(2))} %`;

interface PairProps {
  readonly title: string;
  readonly canary: RampBar | undefined;
  readonly stable: RampBar | undefined;
  readonly words: (value: number) => string;
}

function Pair({ title, canary, stable, words }: PairProps) {
  return (
    <div className="ramp-pair">
      <span className="dim">{title}</span>
      {canary !== undefined && <Bar of="canary" title="new version" bar={canary} words={words} />}
      {stable !== undefined && <Bar of="stable" title="current version" bar={stable} words={words} />}
    </div>
  );
}

interface BarProps {
  readonly of: 'canary' | 'stable';
  readonly title: string;
  readonly bar: RampBar;
  readonly words: (value: number) => string;
}

function Bar({ of, title, bar, words }: BarProps) {
  return (
    <span className="ramp-value" data-key={of} title={`${title}: ${words(bar.value)}`}>
      <span className="ramp-length" style={{ width: `${bar.height * 100}%` }} aria-hidden="true" />
      <span className="out-of-sight">{title}</span> {words(bar.value)}
    </span>
  );
}
