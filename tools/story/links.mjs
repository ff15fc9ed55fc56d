/** Where to look, once the story has been told. */

/**
 * @param {string} url
 * @param {object} found
 * @param {string} found.version the champion
 * @param {string} found.challenger
 * @param {{ column: string, window: number } | undefined} found.drifted
 * @param {string | undefined} found.prediction the one that was named
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
      what: 'the version that answers: card, measures, decisions',
      address: `${project}/models/nyc-late/versions/${version}`,
    },
    ...(prediction === undefined
      ? []
      : [
          {
            what: 'the prediction named above: what it rests on',
            address: `${project}/predictions/nyc-late/${prediction}`,
          },
        ]),
    {
      what: 'what was refused, by which policy',
      address: `${url}/organisation/audit?outcome=denied&actor=trainer`,
    },
    {
      what: 'both versions side by side',
      address: `${project}/models/nyc-late/compare?from=${challenger}&to=${version}`,
    },
  ];
}
