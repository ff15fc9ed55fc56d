import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** A development server of the console in front of a Dais on its usual port: `npx vite packages/web`. */
export default defineConfig({
  // Relative to the page's <base>, which the server sets: the base path is known only then.
  base: './',
  plugins: [react()],
  resolve: { conditions: ['dais-source', 'module', 'browser', 'development|production'] },
  // The server gives each page its own nonce, for the styles that libraries add at run time.
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
          // Modules that most pages share are one file, so that a page loads few files. The first view loads it too:
          // when at least 30 pages share a module, instead of 26, it weighs 5 KB less. The YAML parser is 34 KB that
          // only manifests need.
          groups: [{ name: 'shared', minShareCount: 30, test: /^(?!.*node_modules.yaml.)/ }],
        },
      },
    },
  },
  server: { proxy: { '^/(api|auth|docs|p)/': { target: 'http://127.0.0.1:7070' } } },
});
