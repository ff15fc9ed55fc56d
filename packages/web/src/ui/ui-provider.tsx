import './library-styles.ts';
import './tokens.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { setNonce } from 'get-nonce';
import { useMemo, type ReactNode } from 'react';
import { theme, variables } from './theme.ts';

export interface UiProviderProps {
  /** Nonce of the page's policy, for styles that libraries add at run time. */
  readonly nonce: string;
  readonly children: ReactNode;
}

/** Theme, color scheme (the system's until the user selects one) and toasts. */
export function UiProvider({ nonce, children }: UiProviderProps) {
  const scheme = useMemo(() => {
    // This package names the style with which modals keep the page behind them from scrolling.
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
