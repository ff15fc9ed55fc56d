import './usage-meter.css';

export interface UsageMeterProps {
  /** Label of the meter for screen readers: "cpu of flights". */
  readonly label: string;
  readonly used: number;
  readonly limit: number;
  /** The amounts with their unit: "6 of 8 cores". */
  readonly text: string;
}

/** The used share of a limit, as a bar. */
export function UsageMeter({ label, used, limit, text }: UsageMeterProps) {
  const part = limit <= 0 ? 1 : Math.min(1, used / limit);
  const percent = Math.round(part * 100);
  return (
    <span
      className="usage-meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={text}
      title={`${text}, ${percent} %`}
      data-full={part >= 1 || undefined}
    >
      <span style={{ width: `${percent}%` }} />
    </span>
  );
}
