import { expect, test } from 'vitest';
import { openMetricsText, prefersOpenMetrics } from './openmetrics.ts';

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/plain', false],
  ['text/plain;version=0.0.4', false],
  ['application/openmetrics-text', true],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', true],
  ['application/openmetrics-text; version="1.0.0"', true],
  ['application/openmetrics-text; version=0.0.1', true],
  ['application/openmetrics-text; version=2.0.0', false],
  ['application/openmetrics-text;q=0', false],
  ['application/openmetrics-text;q=nonsense', false],
  ['application/openmetrics-text;q=0.2, text/plain;q=0.5', false],
  ['text/plain;q=0.5, Application/OpenMetrics-Text; Q=0.5', true],
  // Of Prometheus 2.53 and 3.5.
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    true,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2',
    true,
  ],
])('the Accept header %s selects OpenMetrics: %s', (accept, expected) => {
  expect(prefersOpenMetrics(accept)).toBe(expected);
});

test('converts counters, histograms, gauges and help texts', () => {
  const text = `# HELP seen_total All that was "seen".\\nTwice.
# TYPE seen_total counter
seen_total{path="a } b"} 3
seen_total{path="c"} 1e+21

# HELP named A counter without the suffix.
# TYPE named counter
named 2

# HELP took_seconds Duration.
# TYPE took_seconds histogram
took_seconds_bucket{le="0.5",op="x"} 1
took_seconds_bucket{le="5",op="x"} 2
took_seconds_bucket{le="+Inf",op="x"} 2
took_seconds_sum{op="x"} 0.75
took_seconds_count{op="x"} 2
# TYPE up gauge
up Nan
# a comment
# TYPE old untyped
old 1
`;
  expect(openMetricsText(text, 1790000000.5)).toBe(`# TYPE seen counter
# HELP seen All that was \\"seen\\".\\nTwice.
seen_total{path="a } b"} 3
seen_created{path="a } b"} 1790000000.5
seen_total{path="c"} 1e+21
seen_created{path="c"} 1790000000.5
# TYPE named counter
# HELP named A counter without the suffix.
named_total 2
named_created 1790000000.5
# TYPE took_seconds histogram
# HELP took_seconds Duration.
took_seconds_bucket{le="0.5",op="x"} 1
took_seconds_bucket{le="5.0",op="x"} 2
took_seconds_bucket{le="+Inf",op="x"} 2
took_seconds_sum{op="x"} 0.75
took_seconds_count{op="x"} 2
took_seconds_created{op="x"} 1790000000.5
# TYPE up gauge
up Nan
# TYPE old unknown
old 1
# EOF
`);
});
