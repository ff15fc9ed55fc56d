export interface TokenUse {
  readonly title: string;
  readonly text: string;
}

/** How tools accept a token, ready to be pasted. `url`: of the server, without a trailing slash. */
export function tokenUses(url: string, token: string, project: string | undefined): readonly TokenUse[] {
  const base = project === undefined ? url : `${url}/p/${project}`;
  return [
    { title: 'dais', text: `export DAIS_URL=${url}\nexport DAIS_TOKEN=${token}` },
    { title: 'curl', text: `curl -H "Authorization: Bearer ${token}" ${url}/api/v1/server` },
    { title: 'MLflow', text: `export MLFLOW_TRACKING_URI=${base}\nexport MLFLOW_TRACKING_TOKEN=${token}` },
    { title: 'OpenAI', text: `export OPENAI_BASE_URL=${base}/v1\nexport OPENAI_API_KEY=${token}` },
  ];
}
