/** The types of each kind: unknown names are allowed for kinds of a newer server. */
import type { z } from 'zod';
import type { KnownKind } from '#kinds/index.ts';
import type { Manifest, Resource } from '#manifest.ts';

export type KindName = KnownKind['kind'];

type Known<K extends string> = Extract<KnownKind, { readonly kind: K }>;

/** A resource of the kind, as the server returns it. `spec` is as written: defaults are not filled in. */
export type ResourceOf<K extends string> = K extends KindName
  ? Resource<z.input<Known<K>['spec']>, z.output<Known<K>['status']>>
  : Resource;

/** A manifest of the kind, as a person writes it. */
export type ManifestOf<K extends string> = K extends KindName ? Manifest<z.input<Known<K>['spec']>> : Manifest;

type ActionOf<K extends string, V extends string> = Extract<Known<K>['actions'][number], { readonly verb: V }>;

export type ActionInput<K extends string, V extends string> = [ActionOf<K, V>] extends [never]
  ? Readonly<Record<string, unknown>>
  : z.input<ActionOf<K, V>['input']>;

export type ActionOutput<K extends string, V extends string> = [ActionOf<K, V>] extends [never]
  ? unknown
  : z.output<ActionOf<K, V>['output']>;
