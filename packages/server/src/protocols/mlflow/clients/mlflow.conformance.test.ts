import { clientScenarios, NEWEST } from '#protocols/mlflow/testing/client-scenarios.ts';

// Older lines run in the full tier.
clientScenarios({ ...NEWEST, atLeast: 24 });
