import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from './spec.ts';
import { configFields, configVariable } from './fields.ts';

describe('the configuration schema', () => {
  test('an empty configuration has every default', () => {
    const { spec } = configSchema.parse({ apiVersion: 'dais.dev/v1', kind: 'DaisConfig' });
    expect(spec.host).toBe('127.0.0.1');
    expect(spec.port).toBeUndefined();
    expect(spec.database.poolSize).toBe(10);
    expect(spec.blobs).toEqual({ type: 'fs' });
    expect(spec.log.level).toBe('info');
  });

  test('converts to JSON Schema, for editors and the reference', () => {
    const json = z.toJSONSchema(configSchema, { io: 'input' });
    expect(JSON.stringify(json)).toContain('trustedProxies');
  });

  test('every field has a description and its own variable', () => {
    const fields = configFields();
    expect(fields.filter((field) => field.description === '').map((field) => field.path)).toEqual([]);
    const byVariable = new Map<string, string>();
    for (const { variable, path } of fields) {
      expect([variable, byVariable.get(variable) ?? path]).toEqual([variable, path]);
      byVariable.set(variable, path);
    }
  });

  test('fields have their variable, default, variant and secrecy', () => {
    const field = (path: string) => configFields().find((candidate) => candidate.path === path);
    expect(configVariable('tls.cert')).toBe('DAIS_TLS_CERT');
    expect(field('database.url')).toMatchObject({ variable: 'DAIS_DATABASE_URL', secret: true, type: 'text' });
    expect(field('blobs.type')).toMatchObject({ values: ['fs', 's3', 'azure', 'gcs'], default: 'fs', type: 'text' });
    expect(field('blobs.pathStyle')).toMatchObject({ type: 'boolean', variant: { path: 'blobs.type', value: 's3' } });
    expect(field('limits.bodyBytes')).toMatchObject({ type: 'integer', default: 16_777_216 });
    expect(field('otlp.headers')).toMatchObject({ type: 'map', secret: true });
    expect(field('otlp.sampleRatio')).toMatchObject({ type: 'number' });
  });
});
