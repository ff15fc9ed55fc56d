import { clientScenarios } from './testing/client-scenarios.ts';

clientScenarios({ line: '2.15', requirements: 'requirements-2.15.txt' });
