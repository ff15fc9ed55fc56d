import { z } from 'zod';

/** Ranges of severity numbers in the log data model of OpenTelemetry: 1 to 4 are TRACE, 21 to 24 FATAL. */
export const LOG_SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
export type LogSeverity = (typeof LOG_SEVERITIES)[number];

/** Maximum length of a log message's body in characters; the rest is truncated. */
export const MESSAGE_LENGTH = 32_768;

/** A log message of a run, in the log data model of OpenTelemetry. */
export const logMessageSchema = z.strictObject({
  time: z
    .string()
    .regex(/^\d{1,19}$/)
    .describe('Nanoseconds since 1970-01-01 UTC.'),
  severity: z.int().min(0).max(24).default(0).describe('Severity number of OpenTelemetry; 9 is INFO, 0 is unknown.'),
  severityText: z.string().max(100).optional().describe('Severity in the words of the program: `WARNING`.'),
  body: z.string().describe(`Text. It is cut off after ${MESSAGE_LENGTH.toLocaleString('en')} characters.`),
  attributes: z.record(z.string(), z.unknown()).optional().describe('At most 65,536 characters as JSON.'),
  logger: z.string().max(1024).optional().describe('Name of the logger.'),
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  spanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
});
export type LogMessage = z.infer<typeof logMessageSchema>;
