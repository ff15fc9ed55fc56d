import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';

/** The current color scheme, and a function that switches to the other one. */
export function useTheme(): { readonly shown: 'light' | 'dark'; readonly toggle: () => void } {
  const { setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme('light', { getInitialValueInEffect: false });
  return { shown, toggle: () => setColorScheme(shown === 'dark' ? 'light' : 'dark') };
}

/** The selection, which can be to follow the system. */
export function useThemeChoice(): {
  readonly choice: 'auto' | 'light' | 'dark';
  readonly choose: (choice: 'auto' | 'light' | 'dark') => void;
} {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return { choice: colorScheme, choose: setColorScheme };
}
