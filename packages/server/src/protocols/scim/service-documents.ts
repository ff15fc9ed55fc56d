/** What the adapter supports, as clients discover it (RFC 7643, sections 5 to 7). Pure. */
import { commonAttributes, groupSchema, userSchema, type Attribute, type ResourceSchema } from './attributes.ts';

const PREFIX = 'urn:ietf:params:scim:schemas:core:2.0';
/** Results of one page. */
export const MOST_RESULTS = 500;

export function serviceProviderConfig(base: string): object {
  return {
    schemas: [`${PREFIX}:ServiceProviderConfig`],
    documentationUri: `${base.slice(0, -'/scim/v2'.length)}/docs/guide/provisioning`,
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MOST_RESULTS },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Token',
        description: 'A token of a service account, as `Authorization: Bearer TOKEN`.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

const schemas = [userSchema, groupSchema];

export function resourceTypes(base: string): readonly { readonly id: string }[] {
  return schemas.map(({ id, name, endpoint, description }) => ({
    schemas: [`${PREFIX}:ResourceType`],
    id: name,
    name,
    endpoint,
    description,
    schema: id,
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}

export function schemaDocuments(base: string): readonly { readonly id: string }[] {
  return schemas.map((schema) => describeSchema(schema, base));
}

function describeSchema({ id, name, description, attributes }: ResourceSchema, base: string) {
  const external = commonAttributes.filter((one) => one.name === 'externalId');
  return {
    schemas: [`${PREFIX}:Schema`],
    id,
    name,
    description,
    attributes: [...external, ...attributes].map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  };
}

function describeAttribute(attribute: Attribute): object {
  const { name, type, description, subAttributes, canonicalValues, referenceTypes } = attribute;
  return {
    name,
    type,
    multiValued: attribute.multiValued === true,
    description,
    required: attribute.required === true,
    ...(canonicalValues !== undefined && { canonicalValues }),
    caseExact: attribute.caseExact === true,
    mutability: attribute.readOnly === true ? 'readOnly' : attribute.immutable === true ? 'immutable' : 'readWrite',
    returned: attribute.always === true ? 'always' : 'default',
    uniqueness: attribute.unique === true ? 'server' : 'none',
    ...(referenceTypes !== undefined && { referenceTypes }),
    ...(subAttributes !== undefined && { subAttributes: subAttributes.map(describeAttribute) }),
  };
}
