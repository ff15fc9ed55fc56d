import './library-styles.ts';
import './tokens.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { setNonce } from 'get-nonce';
import { useMemo, type ReactNode } from 'react';
import { theme, variables } from './theme.ts';

export interface UiProviderProps {
  /** Of the page's policy: styles that libraries add while they run carry it. */
  readonly nonce: string;
  readonly children: ReactNode;
}

/** Theme, color scheme (the system's until somebody chooses) and toasts. */
export function UiProvider({ nonce, children }: UiProviderProps) {
  const scheme = useMemo(() => {
    // Modals keep the page behind them from scrolling by a style that this package names.
    setNonce(nonce);
    return localStorageColorSchemeManager({ key: 'dais.theme' });
  }, [nonce]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={scheme}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-right" limit={4} zIndex={400} />
      {children}
    </MantineProvider>
  );
}
