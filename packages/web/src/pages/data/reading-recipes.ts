/** Code that reads one version of a dataset. Pure functions. */

export interface ReadingRecipesInput {
  readonly name: string;
  readonly number: number;
  /** Users sign in, so programs need a token. */
  readonly accounts: boolean;
  /** `https://dais.example.com`, without a trailing slash. */
  readonly server: string;
  /** Path of the version on the server. */
  readonly path: string;
  /** Commands of `dais`. */
  readonly pull: string;
  readonly sql: string;
}

export interface Recipe {
  readonly title: string;
  readonly text: string;
}

export function readingRecipes(input: ReadingRecipesInput): readonly Recipe[] {
  const { name, number, accounts, server, path, pull, sql } = input;
  const url = `${server}${path}/export?format=parquet`;
  const token = `os.environ["DAIS_TOKEN"]`;
  const headers = accounts ? `, storage_options={"Authorization": f"Bearer {${token}}"}` : '';
  const imports = accounts ? 'import os\n' : '';
  const pandas = `${imports}import pandas\n\nframe = pandas.read_parquet("${url}"${headers})`;
  const fetched = accounts
    ? `import io, os, urllib.request\nimport polars\n\nrequest = urllib.request.Request("${url}", headers={"Authorization": f"Bearer {${token}}"})\nframe = polars.read_parquet(io.BytesIO(urllib.request.urlopen(request).read()))`
    : `import io, urllib.request\nimport polars\n\nframe = polars.read_parquet(io.BytesIO(urllib.request.urlopen("${url}").read()))`;
  const secret = accounts
    ? `create secret dais (type http, extra_http_headers map {'Authorization': 'Bearer TOKEN'});\n`
    : '';
  return [
    { title: 'Command line', text: pull },
    { title: 'SQL', text: sql },
    { title: 'DuckDB', text: `${secret}select * from read_parquet('${url}');` },
    { title: 'pandas', text: pandas },
    { title: 'Polars', text: fetched },
    {
      title: 'MLflow',
      // The URL names the version: a run that logs it gets the version as its input.
      text: `import mlflow\n\nmlflow.log_input(mlflow.data.from_pandas(frame, source="${url}", name="${name}", digest="${number}"), context="training")`,
    },
  ];
}
