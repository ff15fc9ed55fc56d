/** Where to look, once the story has been told. */

/**
 * @param {string} url
 * @param {object} found
 * @param {string} found.version the champion
 * @param {string} found.challenger
 * @param {string} found.training the run of the pipeline
 * @returns {readonly { what: string, address: string }[]}
 */
export function links(url, { version, challenger, training }) {
  const project = `${url}/projects/default`;
  return [
    {
      what: 'the version that was promoted: card, measures, lineage',
      address: `${project}/models/nyc-late/versions/${version}`,
    },
    {
      what: 'both versions side by side',
      address: `${project}/models/nyc-late/compare?from=${challenger}&to=${version}`,
    },
    {
      what: 'what was refused, by which policy',
      address: `${project}/audit?outcome=denied&actor=${encodeURIComponent('service:trainer')}`,
    },
    { what: 'the endpoint, with what it answered', address: `${project}/endpoints/nyc-late` },
    { what: 'the training, step by step', address: `${project}/executions/${training}` },
    { what: 'the month that was held back, and why', address: `${project}/datasets/nyc_flights` },
  ];
}
