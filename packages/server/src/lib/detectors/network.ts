import { isIP } from 'node:net';
import type { Detector } from './detector.ts';

export const networkDetectors: readonly Detector[] = [
  {
    entity: 'IP_ADDRESS',
    patterns: [
      { expression: /(?<![\w.:])\d{1,3}(?:\.\d{1,3}){3}(?![\w:]|\.\d)/g, strength: 0.8 },
      {
        expression: /(?<![\w.:])(?:[\dA-Fa-f]{0,4}:){2,7}(?:[\dA-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:]|\.\d)/g,
        strength: 0.8,
      },
    ],
    // Addresses that mean "any" or "this machine" identify no person.
    verify: (text) => isIP(text) !== 0 && !/^(0\.0\.0\.0|127\.|::1?$)/.test(text),
    chance: 0,
    digits: 1,
    words: ['ip', 'ip address', 'ipv4', 'ipv6', 'client ip', 'remote addr'],
  },
  {
    entity: 'MAC_ADDRESS',
    patterns: [
      { expression: /(?<![\w:-])[\dA-Fa-f]{2}([:-])(?:[\dA-Fa-f]{2}\1){4}[\dA-Fa-f]{2}(?![\w:-])/g, strength: 0.9 },
      { expression: /(?<![\w.])[\dA-Fa-f]{4}\.[\dA-Fa-f]{4}\.[\dA-Fa-f]{4}(?![\w.])/g, strength: 0.7 },
    ],
    verify: (text) => !/^(0{12}|f{12})$/i.test(text.replaceAll(/[:.-]/g, '')),
    chance: 0,
    digits: 0,
    words: ['mac', 'mac address', 'bssid', 'hardware address'],
  },
];
