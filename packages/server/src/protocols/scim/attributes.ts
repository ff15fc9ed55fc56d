/** The attributes that Dais stores, as data: they describe the schemas, and decide how requests are read. */
import { GROUP_SCHEMA, USER_SCHEMA } from './urns.ts';

export interface Attribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'complex' | 'dateTime' | 'reference';
  readonly description: string;
  readonly multiValued?: true;
  readonly required?: true;
  readonly caseExact?: true;
  readonly readOnly?: true;
  readonly immutable?: true;
  readonly unique?: true;
  /** Always in responses. */
  readonly always?: true;
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly Attribute[];
}

const text = (name: string, description: string): Attribute => ({ name, type: 'string', description });

export interface ResourceSchema {
  readonly id: string;
  readonly name: 'User' | 'Group';
  readonly endpoint: '/Users' | '/Groups';
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

export const userSchema: ResourceSchema = {
  id: USER_SCHEMA,
  name: 'User',
  endpoint: '/Users',
  description: 'User',
  attributes: [
    { ...text('userName', 'Name of the user at the provider.'), required: true, unique: true },
    {
      name: 'name',
      type: 'complex',
      description: 'Parts of the name.',
      subAttributes: [
        text('formatted', 'Full name.'),
        text('familyName', 'Family name.'),
        text('givenName', 'Given name.'),
        text('middleName', 'Middle name.'),
        text('honorificPrefix', 'Title before the name.'),
        text('honorificSuffix', 'Suffix of the name.'),
      ],
    },
    text('displayName', 'Name for display.'),
    text('title', 'Job title.'),
    text('userType', 'Relationship to the organization.'),
    text('preferredLanguage', 'Preferred language.'),
    text('locale', 'Locale.'),
    text('timezone', 'Time zone.'),
    {
      name: 'active',
      type: 'boolean',
      // A new user without it is active.
      required: true,
      description: 'False suspends the user and ends all sessions and tokens.',
    },
    {
      name: 'emails',
      type: 'complex',
      multiValued: true,
      // Unless `userName` is an email address.
      required: true,
      description: 'Email addresses. The primary one, else the first one, is the address of the User.',
      subAttributes: [
        { ...text('value', 'Email address.'), required: true },
        text('display', 'Address for display.'),
        { ...text('type', 'Type of the address.'), canonicalValues: ['work', 'home', 'other'] },
        { name: 'primary', type: 'boolean', description: 'Whether it is the primary address.' },
      ],
    },
    {
      name: 'groups',
      type: 'complex',
      multiValued: true,
      readOnly: true,
      description: 'Groups of the user.',
      subAttributes: [
        { ...text('value', 'Id of the group.'), readOnly: true },
        {
          name: '$ref',
          type: 'reference',
          description: 'URL of the group.',
          readOnly: true,
          caseExact: true,
          referenceTypes: ['Group'],
        },
        { ...text('display', 'Name of the group.'), readOnly: true },
      ],
    },
  ],
};

export const groupSchema: ResourceSchema = {
  id: GROUP_SCHEMA,
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  attributes: [
    { ...text('displayName', 'Name of the group. `groups` of a Team refers to it.'), required: true, unique: true },
    {
      name: 'members',
      type: 'complex',
      multiValued: true,
      description: 'Users in the group.',
      subAttributes: [
        { ...text('value', 'Id of the user.'), immutable: true },
        {
          name: '$ref',
          type: 'reference',
          description: 'URL of the user.',
          immutable: true,
          caseExact: true,
          referenceTypes: ['User'],
        },
        { ...text('type', 'Type of the member.'), immutable: true, canonicalValues: ['User'] },
      ],
    },
  ],
};

/** Attributes of every resource. */
export const commonAttributes: readonly Attribute[] = [
  { ...text('id', 'Id.'), readOnly: true, caseExact: true, always: true },
  { ...text('externalId', 'Id at the provider.'), caseExact: true },
  { ...text('schemas', 'Schemas of the resource.'), multiValued: true, readOnly: true, always: true },
  { name: 'meta', type: 'complex', description: 'Metadata.', readOnly: true },
];

/**
 * Attributes of the standard that Dais does not store. Providers send them by default, so a request with one of them is
 * not an error.
 */
const ignored: ReadonlySet<string> = new Set([
  'nickname',
  'profileurl',
  'password',
  'phonenumbers',
  'ims',
  'photos',
  'addresses',
  'entitlements',
  'roles',
  'x509certificates',
]);

export function isIgnored(name: string): boolean {
  return ignored.has(name);
}

/** By its name in any case. */
export function findAttribute(schema: ResourceSchema, name: string): Attribute | undefined {
  const lower = name.toLowerCase();
  return [...schema.attributes, ...commonAttributes].find((one) => one.name.toLowerCase() === lower);
}

export function findSubAttribute({ subAttributes = [] }: Attribute, name: string): Attribute | undefined {
  const lower = name.toLowerCase();
  return subAttributes.find((one) => one.name.toLowerCase() === lower);
}
