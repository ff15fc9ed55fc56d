import { clientScenarios } from '#protocols/mlflow/testing/client-scenarios.ts';

clientScenarios({ line: '3.4', requirements: 'requirements-3.4.txt', atLeast: 20 });
clientScenarios({ line: '2.22', requirements: 'requirements-2.22.txt', atLeast: 17 });
