import type { Detector } from './detector.ts';

/** What opens something: should be in no dataset at all. */
export const credentialDetectors: readonly Detector[] = [
  {
    entity: 'CREDENTIAL',
    patterns: [
      { expression: /-----BEGIN (?:[A-Z]{2,9} ){0,2}PRIVATE KEY-----/g, strength: 0.99 },
      { expression: /(?<![A-Za-z\d])(?:AKIA|ASIA)[A-Z\d]{16}(?![A-Za-z\d])/g, strength: 0.95 },
      { expression: /(?<![A-Za-z\d])gh[pousr]_[A-Za-z\d]{36,251}(?![A-Za-z\d])/g, strength: 0.99 },
      { expression: /(?<![A-Za-z\d])dais_[ps]at_[A-Za-z\d]{36}(?![A-Za-z\d])/g, strength: 0.99 },
      { expression: /(?<![A-Za-z\d])xox[abprs]-[A-Za-z\d-]{10,250}/g, strength: 0.95 },
      { expression: /(?<![\w-])eyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,2000}/g, strength: 0.95 },
    ],
    chance: 0,
    digits: 0,
    words: ['password', 'passwd', 'secret', 'api key', 'access token', 'private key', 'passwort', 'contrasena'],
  },
];
