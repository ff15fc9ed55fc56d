import { z } from 'zod';

/**
 * Events of OpenLineage 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json), as far as they describe lineage.
 * Fields outside of the specification are accepted and ignored.
 */

/** RFC 3986 §4.3 requires a scheme; the rest is up to the producer. */
const uri = z
  .string()
  .max(2048)
  .regex(/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/, 'is not a URI');
const eventTime = z.iso.datetime({ offset: true }).describe('RFC 3339, with an offset.');
const namespace = z.string().min(1).max(1024);
const name = z.string().min(1).max(1024);

const facetSchema = z.looseObject({ _producer: uri, _schemaURL: uri });
const facets = z.record(z.string().max(256), facetSchema).optional();

const parentFacetSchema = z.looseObject({
  run: z.looseObject({ runId: z.guid() }),
  job: z.looseObject({ namespace, name }),
});

const runFacets = z
  .looseObject({ parent: parentFacetSchema.extend({ _producer: uri, _schemaURL: uri }).optional() })
  .catchall(facetSchema)
  .optional();

const job = z.looseObject({ namespace, name, facets });
const dataset = z.looseObject({ namespace, name, facets });
const datasets = z.array(dataset).max(1000).optional();

const base = { eventTime, producer: uri, schemaURL: uri };

export const lineageRunStates = ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] as const;

export const lineageEventSchema = z
  .looseObject({
    ...base,
    eventType: z.enum(lineageRunStates).optional().describe('State transition of the run.'),
    run: z
      .looseObject({ runId: z.guid().describe('Id of the run, equal in all its events.'), facets: runFacets })
      .optional()
      .describe('Present in a RunEvent.'),
    job: job.optional().describe('Present in a RunEvent or JobEvent.'),
    dataset: dataset.optional().describe('Present in a DatasetEvent.'),
    inputs: datasets.describe('Input datasets; at most 1,000.'),
    outputs: datasets.describe('Output datasets; at most 1,000.'),
  })
  .describe('A RunEvent, JobEvent or DatasetEvent of OpenLineage.');
export type LineageEvent = z.infer<typeof lineageEventSchema>;
