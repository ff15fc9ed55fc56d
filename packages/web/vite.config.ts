import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** A development server of the console in front of a Dais on its usual port: `npx vite packages/web`. */
export default defineConfig({
  // Relative to the page's <base>, which the server sets: below which path it is shown is known only then.
  base: './',
  plugins: [react()],
  resolve: { conditions: ['dais-source', 'module', 'browser', 'development|production'] },
  // The server gives each page a nonce of its own, for the styles that libraries add while they run.
  html: { cspNonce: 'NONCE' },
  build: {
    outDir: 'dist',
    manifest: true,
    target: 'es2023',
    sourcemap: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What most pages share is one file, so that a page loads few. The first view loads it too: with what 26 pages
          // share, instead of 18, it weighs 6 KB less. The YAML parser is 34 KB that only manifests need.
          groups: [{ name: 'shared', minShareCount: 26, test: /^(?!.*node_modules.yaml.)/ }],
        },
      },
    },
  },
  server: { proxy: { '^/(api|auth|docs|p)/': { target: 'http://127.0.0.1:7070' } } },
});
