/** The report of a window as an HTML page without scripts or external resources. Failing results come first. */
import { countNoun } from '@dais/api';
import type { ColumnComparison, MonitorReport, MonitorResult } from '@dais/api/monitoring';

const MAX_COLUMNS = 200;
const WIDTH = 264;
const HEIGHT = 70;

/** Returns a complete HTML document. */
export function reportPage(report: MonitorReport): string {
  const title = `Monitor ${report.monitor}, window ${report.number}`;
  const status = STATUSES[report.status];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head>
<body><main>
<h1>${escape(title)}</h1>
<p class="quiet">${moment(report.from)} to ${moment(report.until)} · evaluated ${moment(report.evaluatedAt)}</p>
<section class="status ${report.status}"><strong>${status}</strong>${report.reason === undefined ? '' : `<p>${escape(report.reason)}</p>`}</section>
${facts(report)}
${report.notes.map((note) => `<p class="note">${escape(note)}</p>`).join('')}
${resultsTable(report.results)}
${performance(report)}
${estimatedSections(report)}
${fairnessSections(report)}
${attributionSections(report)}
${columns(report.columns)}
${examples(report)}
</main></body></html>
`;
}

function moment(at: number): string {
  const text = new Date(at).toISOString();
  return `<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function facts({ rows, requests, labeled, versions, baseline, datasetVersion }: MonitorReport): string {
  const entries: [string, string][] = [
    ['Rows', numberText(rows)],
    ...(datasetVersion === undefined
      ? ([
          ['Requests', numberText(requests)],
          ['With ground truth', numberText(labeled)],
        ] as [string, string][])
      : ([['Version', datasetVersion]] as [string, string][])),
    ...versions.map((one): [string, string] => [
      `${one.model}/${one.version}`,
      `${countNoun(one.rows, 'row')}${one.trainedOn === undefined ? '' : `, trained on ${one.trainedOn}`}`,
    ]),
    ...(baseline === undefined ? [] : ([['Compared with', baseline.name]] as [string, string][])),
  ];
  return `<dl>${entries.map(([term, value]) => `<div><dt>${escape(term)}</dt><dd>${escape(value)}</dd></div>`).join('')}</dl>`;
}

function resultsTable(results: readonly MonitorResult[]): string {
  const rows = results.map(
    (one) =>
      `<tr class="${one.status}"><td>${SIGNS[one.status]} ${STATUSES[one.status]}</td><td>${escape(one.check)}</td><td>${escape(one.column ?? one.segment ?? '')}</td><td>${escape(one.metric)}</td><td class="n">${one.value === undefined ? '' : numberText(one.value)}</td><td class="n">${one.threshold === undefined ? '' : numberText(one.threshold)}</td><td>${escape(one.reason ?? '')}</td></tr>`,
  );
  return `<section><h2>Check results</h2><table><thead><tr><th>Status</th><th>Check</th><th>Column or segment</th><th>Metric</th><th class="n">Value</th><th class="n">Threshold</th><th>Reason</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`;
}

const SIGNS = { passing: '✓', failing: '✕', unknown: '?' } as const;
const STATUSES = { passing: 'Passing', failing: 'Failing', unknown: 'Unknown' } as const;

type Metrics = readonly {
  readonly metric: string;
  readonly value?: number | undefined;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}[];

function valueText({ value, low, high }: Metrics[number]): string {
  if (value === undefined) return '–';
  return `${numberText(value)}${low === undefined || high === undefined ? '' : ` (${numberText(low)} to ${numberText(high)})`}`;
}

function metricsTable(metrics: Metrics): string {
  const rows = metrics.map(
    ({ metric, value, low, high }) =>
      `<tr><td>${escape(metric)}</td><td class="n">${value === undefined ? '–' : numberText(value)}</td><td class="n">${low === undefined || high === undefined ? '' : `${numberText(low)} to ${numberText(high)}`}</td></tr>`,
  );
  return `<table><thead><tr><th>Metric</th><th class="n">Value</th><th class="n">95 % interval</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function performance({ performance: measured }: MonitorReport): string {
  if (measured === undefined) return '';
  const names = [...new Set(measured.segments.flatMap((one) => one.metrics.map(({ metric }) => metric)))];
  const segments = measured.segments.map((one) => {
    const by = new Map(one.metrics.map((metric) => [metric.metric, metric]));
    const cells = names.map((name) => `<td class="n">${valueText(by.get(name) ?? { metric: name })}</td>`);
    return `<tr><td>${escape(`${one.column} = ${one.value}`)}</td><td class="n">${numberText(one.labeled)}</td>${cells.join('')}</tr>`;
  });
  const calibration = (measured.calibration ?? []).map(
    ({ score, share, rows }) =>
      `<tr><td class="n">${numberText(score)}</td><td class="n">${numberText(share)}</td><td class="n">${numberText(rows)}</td></tr>`,
  );
  return `<section><h2>Performance</h2><p class="quiet">${numberText(measured.labeled)} of ${numberText(measured.rows)} predictions have ground truth${measured.mature ? '' : '; more can arrive'}</p>${metricsTable(measured.metrics)}${
    measured.scoreProblem === undefined ? '' : `<p class="quiet">${escape(measured.scoreProblem)}</p>`
  }${
    segments.length === 0
      ? ''
      : `<h3>By segment</h3><table><thead><tr><th>Segment</th><th class="n">Labeled rows</th>${names.map((name) => `<th class="n">${escape(name)}</th>`).join('')}</tr></thead><tbody>${segments.join('')}</tbody></table>`
  }${
    calibration.length === 0
      ? ''
      : `<h3>Calibration of ${escape(measured.score ?? 'the score')}</h3><table><thead><tr><th class="n">Mean score</th><th class="n">Positive share</th><th class="n">Rows</th></tr></thead><tbody>${calibration.join('')}</tbody></table>`
  }</section>`;
}

function estimatedSections({ estimates = [] }: MonitorReport): string {
  return estimates
    .map(
      ({ model, version, rows, score, metrics, reference }) =>
        `<section><h2>Estimated performance</h2><p class="quiet">${countNoun(rows, 'prediction')} of ${escape(`${model}/${version}`)}, estimated from ${escape(score)}${reference.calibrated ? ', calibrated' : ''} with ${countNoun(reference.labeled, 'label')} of ${moment(reference.from)} to ${moment(reference.until)}. The estimate assumes that the relation between inputs and ground truth has not changed.</p>${metricsTable(metrics)}<h3>Measured in the reference</h3>${metricsTable(reference.metrics)}</section>`,
    )
    .join('');
}

function fairnessSections({ fairness = [] }: MonitorReport): string {
  return fairness
    .map(({ column, positive, privileged, groups, small }) => {
      const names = [...new Set(groups.flatMap((one) => one.metrics.map(({ metric }) => metric)))];
      const rows = groups.map((one) => {
        const by = new Map(one.metrics.map((metric) => [metric.metric, metric]));
        const cells = names.map((name) => `<td class="n">${valueText(by.get(name) ?? { metric: name })}</td>`);
        return `<tr><td>${escape(one.group)}</td><td class="n">${numberText(one.rows)}</td><td class="n">${numberText(one.labeled)}</td>${cells.join('')}</tr>`;
      });
      const than = privileged === undefined ? '' : `; privileged group: ${escape(privileged)}`;
      const left = small.length === 0 ? '' : `<p class="quiet">Omitted: ${escape(small.join(' '))}</p>`;
      return `<section><h2>Fairness by ${escape(column)}</h2><p class="quiet">Positive class: ${escape(positive)}${than}</p><table><thead><tr><th>Group</th><th class="n">Rows</th><th class="n">Labeled rows</th>${names.map((name) => `<th class="n">${escape(name)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>${left}</section>`;
    })
    .join('');
}

function attributionSections({ attributions = [] }: MonitorReport): string {
  return attributions
    .map(({ model, version, method, scale, background, rows, baseline, columns: all }) => {
      const most = Math.max(
        ...all.flatMap(({ currentShare, baselineShare = 0 }) => [currentShare, baselineShare]),
        1e-9,
      );
      const rankText = (rank: number | undefined) => (rank === undefined ? '' : numberText(rank));
      const lines = all.slice(0, MAX_COLUMNS).map((one) => {
        const { column, currentShare, currentRank, baselineShare, baselineRank } = one;
        return `<tr><td>${escape(column)}</td><td>${shareBars(column, currentShare / most, (baselineShare ?? 0) / most)}</td><td class="n">${numberText(currentShare)}</td><td class="n">${baselineShare === undefined ? '' : numberText(baselineShare)}</td><td class="n">${rankText(currentRank)}</td><td class="n">${rankText(baselineRank)}</td></tr>`;
      });
      const of = background.of === 'example' ? 'its input example' : 'the baseline';
      const against =
        baseline === undefined ? '' : `, compared with ${countNoun(baseline.rows, 'row')} of ${escape(baseline.name)}`;
      return `<section><h2>Feature attributions of ${escape(`${model}/${version}`)}</h2><p class="quiet">Shapley values (method ${escape(method)}, scale ${escape(scale)}) of ${countNoun(rows, 'row')}${against}. Background: ${countNoun(background.rows, 'row')} of ${of}. <span class="k is"></span> this window <span class="k was"></span> baseline</p><table><thead><tr><th>Column</th><th>Share of attribution</th><th class="n">Window</th><th class="n">Baseline</th><th class="n">Rank</th><th class="n">Baseline rank</th></tr></thead><tbody>${lines.join('')}</tbody></table></section>`;
    })
    .join('');
}

function shareBars(column: string, now: number, before: number): string {
  const bar = (share: number, y: number, kind: string) =>
    `<rect class="${kind}" x="0" y="${y}" width="${(WIDTH * share).toFixed(1)}" height="6"/>`;
  return `<svg role="img" aria-label="Share of ${escape(column)}" viewBox="0 0 ${WIDTH} 14" width="${WIDTH}" height="14">${bar(now, 0, 'is')}${bar(before, 8, 'was')}</svg>`;
}

function columns(all: readonly ColumnComparison[]): string {
  if (all.length === 0) return '';
  const cards = all.slice(0, MAX_COLUMNS).map((one) => {
    const mean =
      one.current.mean === undefined
        ? ''
        : `, mean ${numberText(one.current.mean)}${one.baseline?.mean === undefined ? '' : ` (baseline ${numberText(one.baseline.mean)})`}`;
    return `<article><h3>${escape(one.column)}</h3>${distribution(one)}<p class="quiet">${countNoun(one.current.rows, 'row')}, ${numberText(one.current.nulls)} missing${mean}</p></article>`;
  });
  return `<section><h2>Column distributions</h2><p class="quiet"><span class="k is"></span> this window <span class="k was"></span> baseline; shares of rows</p><div class="grid">${cards.join('')}</div></section>`;
}

function distribution({ histogram, categories, column }: ColumnComparison): string {
  const current = histogram?.current ?? categories?.map((one) => one.current) ?? [];
  const before = histogram?.baseline ?? categories?.map((one) => one.baseline) ?? [];
  const total = (of: readonly number[]) => of.reduce((sum, n) => sum + n, 0);
  const [now, then] = [total(current), total(before)];
  if (now === 0) return '<p class="quiet">No values.</p>';
  const shares = current.map((n, at) => [n / now, then === 0 ? 0 : (before[at] ?? 0) / then] as const);
  const most = Math.max(...shares.flat(), 1e-9);
  const step = WIDTH / Math.max(1, shares.length);
  const bar = (share: number, at: number, kind: string) => {
    const height = Math.round((HEIGHT * share * 100) / most) / 100;
    const [x, width] = kind === 'was' ? [at * step, step - 1] : [at * step + step / 4, Math.max(1, step / 2)];
    return `<rect class="${kind}" x="${x.toFixed(1)}" y="${(HEIGHT - height).toFixed(1)}" width="${Math.max(1, width).toFixed(1)}" height="${height}"/>`;
  };
  const bars = shares.map(([is, was], at) => {
    const label = categories === undefined ? '' : `<title>${escape(categories[at]?.value ?? '')}</title>`;
    return `<g>${label}${bar(was, at, 'was')}${bar(is, at, 'is')}</g>`;
  });
  return `<svg role="img" aria-label="Distribution of ${escape(column)}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${bars.join('')}</svg>`;
}

function examples({ examples: all }: MonitorReport): string {
  if (all.length === 0) return '';
  const rows = all.flatMap(({ column, why, rows: some }) =>
    some.map(
      (one) =>
        `<tr><td>${escape(column)}</td><td>${escape(one.value)}</td><td>${escape(one.prediction ?? '')}</td><td>${escape(why)}</td></tr>`,
    ),
  );
  return `<section><h2>Example rows</h2><table><thead><tr><th>Column</th><th>Value</th><th>Prediction</th><th>Reason</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`;
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Number(value.toPrecision(4)).toString();
}

const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => NAMES[sign] ?? sign);
}

const STYLE = `
:root{color-scheme:light dark;--text:#1f2328;--quiet:#59636e;--line:#d1d9e0;--is:#0969da;--was:#b0b8c0;--good:#1a7f37;--bad:#cf222e;--unknown:#9a6700}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--quiet:#9198a1;--line:#3d444d;--is:#4493f8;--was:#656c76;--good:#3fb950;--bad:#f85149;--unknown:#d29922}}
body{font:14px/1.5 system-ui,sans-serif;color:var(--text);margin:0}main{max-width:1100px;margin:0 auto;padding:24px}
.quiet{color:var(--quiet);font-size:12px}.note{border-left:3px solid var(--unknown);padding-left:10px}
.status{border-left:5px solid;padding:8px 14px;margin:12px 0}.status.passing{border-color:var(--good)}.status.failing{border-color:var(--bad)}.status.unknown{border-color:var(--unknown)}
dl{display:flex;flex-wrap:wrap;gap:4px 28px}dt{color:var(--quiet);font-size:12px}dd{margin:0;font-weight:600}
table{border-collapse:collapse;font-size:12px;width:100%}th,td{text-align:left;padding:3px 12px 3px 0;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right}tr.failing td:first-child{color:var(--bad)}tr.unknown td:first-child{color:var(--unknown)}tr.passing td:first-child{color:var(--good)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:12px}article{border:1px solid var(--line);border-radius:6px;padding:8px 12px}
h3{margin:0 0 6px;font-size:13px}rect.is{fill:var(--is);opacity:.85}rect.was{fill:var(--was)}.k{display:inline-block;width:10px;height:10px}.k.is{background:var(--is)}.k.was{background:var(--was)}
`;
