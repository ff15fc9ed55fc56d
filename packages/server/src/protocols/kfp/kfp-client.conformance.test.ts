import { clientScenarios } from './testing/client-scenarios.ts';

// The release before it: kfp-client-2-15.full.test.ts.
clientScenarios({ line: '2.17', requirements: 'requirements.txt' });
