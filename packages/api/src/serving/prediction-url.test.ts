import { expect, test } from 'vitest';
import { predictionUrl } from '#serving/prediction-url.ts';

const at = { endpoint: 'delays', url: '/p/default/v2/models/delays', port: 7071, secure: false };

test('the gateway is on the host by which the caller reaches Dais', () => {
  expect(predictionUrl(at, 'http://127.0.0.1:7070', 'open-inference')).toBe(
    'http://127.0.0.1:7071/p/default/v2/models/delays/infer',
  );
  expect(predictionUrl({ ...at, secure: true }, 'https://ml.example.com/', 'mlflow')).toBe(
    'https://ml.example.com:7071/p/default/endpoints/delays/invocations',
  );
  expect(predictionUrl(at, 'http://[::1]:7070', 'kserve-v1')).toBe(
    'http://[::1]:7071/p/default/v1/models/delays:predict',
  );
});

test('a configured URL of the gateway is used as it is, with its path', () => {
  const behindProxy = { ...at, gatewayUrl: 'https://predict.example.com/models/' };
  expect(predictionUrl(behindProxy, 'http://127.0.0.1:7070', 'open-inference')).toBe(
    'https://predict.example.com/models/p/default/v2/models/delays/infer',
  );
});

test('before the gateway listens, Dais itself serves the path', () => {
  const { port: _, ...starting } = at;
  expect(predictionUrl(starting, 'http://127.0.0.1:7070/dais/', 'open-inference')).toBe(
    'http://127.0.0.1:7070/dais/p/default/v2/models/delays/infer',
  );
});
