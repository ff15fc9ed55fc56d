/** Adds an MLflow endpoint with its operation: npx tsx tools/new-mlflow-endpoint.ts NAME */
import { root } from './command.mjs';
import { mlflowEndpointScaffold } from './scaffold/mlflow-endpoint-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-mlflow-endpoint.ts NAME\n');
  process.exitCode = 2;
} else {
  process.stdout.write(await writeScaffold(root, mlflowEndpointScaffold(namesOf(name))));
}
