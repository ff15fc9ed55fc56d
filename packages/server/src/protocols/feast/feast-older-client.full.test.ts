import { clientScenarios } from './testing/client-scenarios.ts';

clientScenarios({ line: '0.66', requirements: 'requirements-0.66.txt' });
