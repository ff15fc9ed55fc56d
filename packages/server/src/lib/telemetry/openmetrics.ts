/**
 * OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): metrics are kept in the Prometheus text
 * format, and converted for scrapers that prefer this one.
 */

const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const VERSIONS: ReadonlySet<string | undefined> = new Set([undefined, '1.0.0', '0.0.1']);

/** Whether an Accept header prefers OpenMetrics to the Prometheus text format, which is the default. */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  let open = 0;
  let plain = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...rest] = range.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
    const weight = Number(parameters.get('q') ?? 1);
    if (!(weight > 0 && weight <= 1)) continue;
    const version = parameters.get('version')?.replaceAll('"', '');
    if (type === 'application/openmetrics-text' && VERSIONS.has(version)) open = Math.max(open, weight);
    else if (type === 'text/plain' || type === 'text/*') plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain;
}

export interface MetricsText {
  /** Content type. */
  readonly type: string;
  readonly text: string;
}

/** Returns metrics of this process in the format that an Accept header prefers. */
export function negotiateMetrics(metrics: MetricsText, accept: string | undefined): MetricsText {
  if (!prefersOpenMetrics(accept)) return metrics;
  return { type: OPENMETRICS_TYPE, text: openMetricsText(metrics.text, Math.round(performance.timeOrigin) / 1000) };
}

interface Family {
  readonly name: string;
  help: string;
  type: string;
  readonly samples: string[];
}

/**
 * Converts the Prometheus text format. `createdSeconds`: when counters and histograms started at 0, in seconds since
 * 1970; all of them start with the process.
 */
export function openMetricsText(text: string, createdSeconds: number): string {
  const families: Family[] = [];
  let family: Family = { name: '', help: '', type: 'unknown', samples: [] };
  const begin = (name: string) => {
    if (family.name === name) return;
    family = { name, help: '', type: 'unknown', samples: [] };
    families.push(family);
  };
  for (const line of text.split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      begin(name);
      if (keyword === 'HELP') family.help = rest;
      else family.type = rest === 'untyped' ? 'unknown' : rest;
    } else if (line !== '' && !line.startsWith('#')) family.samples.push(line);
  }
  return `${families.flatMap((one) => familyLines(one, createdSeconds)).join('\n')}\n# EOF\n`;
}

function familyLines({ name: given, help, type, samples }: Family, createdSeconds: number): string[] {
  const name = type === 'counter' ? given.replace(/_total$/, '') : given;
  const created = (labels: string) => `${name}_created${labels} ${createdSeconds}`;
  const lines = [`# TYPE ${name} ${type}`];
  if (help !== '') lines.push(`# HELP ${name} ${help.replaceAll('"', '\\"')}`);
  for (const sample of samples) {
    const { metric, labels, value } = partsOf(sample);
    if (type === 'counter') lines.push(`${name}_total${labels} ${value}`, created(labels));
    else if (type === 'histogram' && metric === `${name}_bucket`) lines.push(`${metric}${floatBound(labels)} ${value}`);
    else {
      lines.push(sample);
      if (type === 'histogram' && metric === `${name}_count`) lines.push(created(labels));
    }
  }
  return lines;
}

function partsOf(sample: string) {
  const open = sample.indexOf('{');
  // A label value can contain a brace, and the value of a sample cannot.
  const end = open === -1 ? sample.indexOf(' ') : sample.lastIndexOf('}') + 1;
  const from = open === -1 ? end : open;
  return { metric: sample.slice(0, from), labels: sample.slice(from, end), value: sample.slice(end).trim() };
}

/** Upper bounds are floating-point numbers: `5.0`. */
function floatBound(labels: string): string {
  return labels.replace(/([{,]le=")(\d+)"/, '$1$2.0"');
}
