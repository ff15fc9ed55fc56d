import { clientScenarios } from './testing/client-scenarios.ts';

clientScenarios({ line: '0.67', requirements: 'requirements.txt' });
