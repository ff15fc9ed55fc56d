/** The logo, as in public/favicon.svg. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect x="2" y="22" width="28" height="6" rx="1.5" fill="#3451b2" />
      <rect x="6" y="14" width="20" height="6" rx="1.5" fill="#5c73e7" />
      <rect x="10" y="6" width="12" height="6" rx="1.5" fill="#a8b1ff" />
    </svg>
  );
}
