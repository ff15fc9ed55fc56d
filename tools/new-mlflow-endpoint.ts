/** Adds an MLflow endpoint: npx tsx tools/new-mlflow-endpoint.ts NAME */
import { mlflowEndpointScaffold } from './scaffold/mlflow-endpoint-files.ts';
import { runScaffold } from './scaffold/scaffold-command.ts';

await runScaffold({
  program: 'new-mlflow-endpoint',
  summary: 'Adds an endpoint of the MLflow protocol: its operation, its messages and a test of both.',
  scaffold: mlflowEndpointScaffold,
});
