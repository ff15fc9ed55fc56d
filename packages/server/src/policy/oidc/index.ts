import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { deviceEntries } from './device.ts';
import { federationEntries } from './federation.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { SignInParts } from './parts.ts';
import { ProviderClient } from './provider-client.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { signInRetention } from './sign-in-retention.ts';
import { providerEntries } from './sign-in.ts';
import { providerAccessJob } from './provider-access-job.ts';

export interface SignInOptions extends Omit<SignInParts, 'providers' | 'providerKeys' | 'issuerKeys'> {
  readonly providers: readonly ProviderSettings[];
  readonly outbound: Outbound;
}

/** Signing in elsewhere: at identity providers, from command lines, with tokens of CI systems. */
export function openFederatedSignIn(options: SignInOptions): {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
} {
  const { outbound, clock } = options;
  const parts: SignInParts = {
    ...options,
    providers: new Map(options.providers.map((one) => [one.name, new ProviderClient(one, { outbound, clock })])),
    providerKeys: new IssuerKeys({ outbound, clock, trusted: true }),
    issuerKeys: new IssuerKeys({ outbound, clock, trusted: false }),
  };
  return {
    entries: [...providerEntries(parts), ...deviceEntries(parts), ...federationEntries(parts)],
    jobs: [signInRetention(), providerAccessJob(parts)],
  };
}
