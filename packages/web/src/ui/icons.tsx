/** Sixteen-pixel line icons; decorative, since each accompanies a word or is in a labeled button. */
import type { ReactNode } from 'react';

const paths = {
  home: <path d="M2.5 7.5 8 3l5.5 4.5M4 6.5V13h8V6.5" />,
  list: <path d="M3 4.5h10M3 8h10M3 11.5h10" />,
  table: <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6" />,
  columns: <path d="M3.5 13V8M8 13V3M12.5 13V6" />,
  tag: (
    <>
      <path d="M2.5 7.5v-5h5l6 6-5 5-6-6Z" />
      <circle cx="5" cy="5" r=".8" fill="currentColor" />
    </>
  ),
  events: <path d="M2 8h3l2-5 2.5 10L11.5 8H14" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4" />
      <path d="m10 10 3.5 3.5" />
    </>
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="2.75" />
      <path d="M8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1" />
    </>
  ),
  moon: <path d="M13 9.5A5.5 5.5 0 1 1 6.5 3 4.5 4.5 0 0 0 13 9.5Z" />,
  more: (
    <>
      <circle cx="3.5" cy="8" r=".8" fill="currentColor" />
      <circle cx="8" cy="8" r=".8" fill="currentColor" />
      <circle cx="12.5" cy="8" r=".8" fill="currentColor" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
    </>
  ),
  down: <path d="m4 6 4 4 4-4" />,
  left: <path d="m10 4-4 4 4 4" />,
  right: <path d="m6 4 4 4-4 4" />,
  up: <path d="m4 10 4-4 4 4" />,
  minus: <path d="M3 8h10" />,
  plus: <path d="M8 3v10M3 8h10" />,
  help: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.3M8 11.3v.2" />
    </>
  ),
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  check: <path d="m3.5 8.5 3 3 6-7" />,
  bin: <path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5 5 13h6l.5-8.5" />,
  edit: <path d="m3 13 .6-2.6 7.4-7.4 2 2-7.4 7.4L3 13Z" />,
  back: <path d="M6.5 4 3 7.5 6.5 11M3 7.5h6.5a3.5 3.5 0 0 1 0 7H8" />,
  key: (
    <>
      <circle cx="5" cy="8" r="2.75" />
      <path d="M7.75 8H14M11.5 8v2.5M13.5 8v1.75" />
    </>
  ),
  seal: <path d="M8 1.75 13 3.5v4c0 3.25-2.1 5.4-5 6.75-2.9-1.35-5-3.5-5-6.75v-4L8 1.75ZM5.75 8l1.6 1.6L10.4 6.5" />,
  flask: (
    <path d="M6 2.5h4M6.75 2.5v4L3 12.25c-.4.7 0 1.25.75 1.25h8.5c.75 0 1.15-.55.75-1.25L9.25 6.5v-4M4.9 9.75h6.2" />
  ),
  cube: <path d="M8 1.75 13.25 4.75v6.5L8 14.25l-5.25-3v-6.5L8 1.75ZM2.75 4.75 8 7.75l5.25-3M8 7.75v6.5" />,
  bubble: <path d="M2.5 3.5h11v7.5H8l-3 2.5V11H2.5v-7.5ZM5 6.25h6M5 8.5h4" />,
  plug: <path d="M5.5 2v3.5M10.5 2v3.5M4 5.5h8V8a4 4 0 0 1-8 0V5.5ZM8 12v2.5" />,
  pulse: <path d="M2 13.5h12M4 11V8.5M8 11V3M12 11V6" />,
  answers: <path d="M2.5 5h8M8 2.5 10.5 5 8 7.5M13.5 11h-8M8 8.5 5.5 11 8 13.5" />,
  waterfall: <path d="M2.5 4h6M5 8h6M8.5 12h5" />,
  at: (
    <>
      <circle cx="8" cy="8" r="2.5" />
      <path d="M10.5 5.5v3.25a1.5 1.5 0 0 0 3 0V8A5.5 5.5 0 1 0 11 12.6" />
    </>
  ),
  graph: (
    <>
      <circle cx="3.5" cy="8" r="1.75" />
      <circle cx="12.5" cy="3.75" r="1.75" />
      <circle cx="12.5" cy="12.25" r="1.75" />
      <path d="M5 7.25 11 4.5M5 8.75l6 2.75" />
    </>
  ),
  branch: <path d="M2.5 3.5h3v3h-3zM2.5 9.5h3v3h-3zM10.5 6.5h3v3h-3zM5.5 5c2.5 0 2.5 3 5 3M5.5 11c2.5 0 2.5-3 5-3" />,
  menu: <path d="M2.5 4h11M2.5 8h11M2.5 12h11" />,
} as const satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {paths[name]}
    </svg>
  );
}
