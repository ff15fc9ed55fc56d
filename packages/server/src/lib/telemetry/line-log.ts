/**
 * Log lines: ECS JSON (Elastic Common Schema 8.17, one object per line) for collectors, or text for terminals. Callers
 * pass no secrets; query strings are omitted at their source. An error contains its stack and causes.
 */
import type { Log, LogFields } from '#lib/log.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LineLogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Receives whole lines, each with its newline. */
  readonly write: (line: string) => void;
  readonly now: () => number;
  /** Program version and part: `service.version`, `service.node.role`. */
  readonly version: string;
  readonly role: string;
  readonly pid: number;
}

export interface LineLog extends Log {
  setLevel(level: LogLevel): void;
}

/** Fields that ECS has a name for. */
const ECS_NAMES: Readonly<Record<string, string>> = {
  requestId: 'http.request.id',
  method: 'http.request.method',
  path: 'url.path',
  status: 'http.response.status_code',
  client: 'client.ip',
  traceId: 'trace.id',
  spanId: 'span.id',
};

export function createLineLog(options: LineLogOptions): LineLog {
  let threshold = LOG_LEVELS.indexOf(options.level);
  const form = options.format === 'json' ? jsonLine : textLine;
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) >= threshold) options.write(form(options, level, message, fields ?? {}));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel: (level) => {
      threshold = LOG_LEVELS.indexOf(level);
    },
  };
}

function jsonLine(options: LineLogOptions, level: LogLevel, message: string, fields: LogFields): string {
  const { error, durationMs, ...rest } = fields as { error?: unknown; durationMs?: number };
  const line: Record<string, unknown> = {
    '@timestamp': new Date(options.now()).toISOString(),
    'log.level': level,
    message,
    'ecs.version': '8.17.0',
    'event.dataset': `dais.${options.role}`,
    'service.name': 'dais',
    'service.version': options.version,
    'service.node.role': options.role,
    'process.pid': options.pid,
  };
  for (const [name, value] of Object.entries(rest)) line[ECS_NAMES[name] ?? `dais.${name}`] = value;
  if (durationMs !== undefined) line['event.duration'] = Math.round(durationMs * 1e6);
  if (error !== undefined) {
    const { type, message: text, stack } = describeError(error);
    line['error.type'] = type;
    line['error.message'] = text;
    line['error.stack_trace'] = stack;
  }
  return `${JSON.stringify(line, bigintAsText)}\n`;
}

function textLine(options: LineLogOptions, level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date(options.now()).toISOString().slice(11, 23);
  const { error, ...rest } = fields;
  const pairs = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value, bigintAsText)}`,
    );
  const trouble = error === undefined ? '' : `\n${indent(describeError(error).stack)}`;
  return `${time} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join('')}${trouble}\n`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ');
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** An error and what caused it, at most five deep. */
function describeError(error: unknown): {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
} {
  if (!(error instanceof Error)) {
    const text = typeof error === 'string' ? error : (JSON.stringify(error, bigintAsText) ?? String(error));
    return { type: typeof error, message: text, stack: text };
  }
  const stacks: string[] = [];
  for (let here: unknown = error; here instanceof Error && stacks.length < 5; here = here.cause) {
    stacks.push(here.stack ?? `${here.name}: ${here.message}`);
  }
  return { type: error.name, message: error.message, stack: stacks.join('\ncaused by ') };
}
