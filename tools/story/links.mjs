/** Links to the results of the quickstart demo in the console. */

/**
 * @param {string} url
 * @param {object} found
 * @param {string} found.version the champion
 * @param {string} found.challenger
 * @param {{ column: string, window: number } | undefined} found.drifted
 * @param {string | undefined} found.prediction the example prediction
 * @returns {readonly { what: string, address: string }[]}
 */
export function links(url, { version, challenger, drifted, prediction }) {
  const project = `${url}/projects/default`;
  return [
    ...(drifted === undefined
      ? []
      : [
          {
            what: `${drifted.column}, the column that drifted most`,
            address: `${project}/monitors/nyc-late?window=${drifted.window}&check=drift&column=${drifted.column}`,
          },
        ]),
    {
      what: 'the serving version: model card, metrics, decisions',
      address: `${project}/models/nyc-late/versions/${version}`,
    },
    ...(prediction === undefined
      ? []
      : [
          {
            what: 'the prediction above: explanation and lineage',
            address: `${project}/predictions/nyc-late/${prediction}`,
          },
        ]),
    {
      what: 'denied actions, with the policies',
      address: `${url}/organization/audit?outcome=denied&actor=trainer`,
    },
    {
      what: 'comparison of both versions',
      address: `${project}/models/nyc-late/compare?from=${challenger}&to=${version}`,
    },
  ];
}
