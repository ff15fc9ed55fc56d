import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { deviceEntries } from './device/device.ts';
import { federationEntries } from './federation/federation.ts';
import { IssuerKeys } from './federation/issuer-keys.ts';
import { samlEntries } from '#policy/saml/saml-sign-in.ts';
import type { SamlSettings } from '#policy/saml/saml-settings.ts';
import type { SignInDependencies } from './dependencies.ts';
import { ProviderClient } from './provider-client.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { providerEntries } from './sign-in.ts';
import { providerAccessJob } from './provider-access-job.ts';

export interface SignInOptions extends Omit<SignInDependencies, 'providers' | 'providerKeys' | 'issuerKeys'> {
  readonly providers: readonly ProviderSettings[];
  readonly outbound: Outbound;
  readonly samlProviders: readonly SamlSettings[];
}

/** Signing in elsewhere: at identity providers, from command lines, with tokens of CI systems. */
export function openFederatedSignIn(options: SignInOptions): {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
} {
  const { outbound, clock } = options;
  const dependencies: SignInDependencies = {
    ...options,
    providers: new Map(options.providers.map((one) => [one.name, new ProviderClient(one, { outbound, clock })])),
    providerKeys: new IssuerKeys({ outbound, clock, trusted: true }),
    issuerKeys: new IssuerKeys({ outbound, clock, trusted: false }),
  };
  return {
    entries: [
      ...providerEntries(dependencies),
      ...samlEntries({ ...dependencies, samlProviders: options.samlProviders }),
      ...deviceEntries(dependencies),
      ...federationEntries(dependencies),
    ],
    jobs: [signInRetention(), providerAccessJob({ ...dependencies, samlProviders: options.samlProviders })],
  };
}

const HOUR_MS = 3_600_000;

/** Deletes expired rows: uncompleted sign-ins, unapproved device grants and old spent tokens. */
function signInRetention(): JobHandler {
  return {
    queue: 'sign-in retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: HOUR_MS },
    every: { firstMs: HOUR_MS, againMs: HOUR_MS },
    run: async (_job, io) =>
      await io.write(async ({ sql }) => {
        await sql.query('delete from policy.sign_in where expires_at < clock_timestamp()');
        await sql.query('delete from policy.device_grant where expires_at < clock_timestamp()');
        await sql.query('delete from policy.exchanged_token where expires_at < clock_timestamp()');
      }),
  };
}
