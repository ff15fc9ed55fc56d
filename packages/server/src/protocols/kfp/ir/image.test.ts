import { expect, test } from 'vitest';
import type { StepEnvironment } from '#ledgers/executions/index.ts';
import { environmentOfImage } from './image.ts';

const MAPPED: StepEnvironment = { type: 'python', version: '3.12', requirements: ['torch'] };
const images = [{ image: 'example.com/train:7', environment: MAPPED }];
const python = (version?: string) => ({ type: 'python', requirements: [], ...(version !== undefined && { version }) });

test.each<[string, object | undefined]>([
  ['python:3.11', python('3.11')],
  ['python:3.11.4-slim-bookworm', python('3.11.4')],
  ['python:3.9-alpine3.18', python('3.9')],
  ['python:slim', python()],
  ['python:latest', python()],
  ['python', python()],
  ['python:3', python()],
  ['docker.io/library/python:3.12', python('3.12')],
  ['public.ecr.aws/docker/library/python:3.12', python('3.12')],
  ['registry.access.redhat.com/ubi9/python-311:latest', python('3.11')],
  [`python:3.11@sha256:${'a'.repeat(64)}`, python('3.11')],
  ['example.com/train:7', MAPPED],
  ['python:2.7', undefined],
  ['python:3.11-windowsservercore', undefined],
  ['example.com/python:3.11', undefined],
  ['alpine', undefined],
  ['example.com/train:8', undefined],
])('%s', (image, environment) => {
  expect(environmentOfImage(image, images)).toEqual(environment);
});
