import { clientScenarios } from './testing/client-scenarios.ts';

// The package index has 3.18.0 without the two parts that it asks for in the same version: its wheel, which holds all of
// the code, is laid over the environment of 3.17.2. Older lines run in the full tier.
clientScenarios({
  line: '3.18',
  requirements: 'requirements.txt',
  overlay: 'mlflow==3.18.0 --hash=sha256:be7d84ba0d0b12392f5b53260cdb3e6d7b7ef4b80c29da90a89b5a1f6db7102f',
  atLeast: 20,
});
