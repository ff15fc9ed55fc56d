import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The accent color of the logo, from light to dark; 6 is the filled shade in the light scheme, 3 in the dark one. */
const accent: MantineColorsTuple = [
  '#eef1fd',
  '#dbe1fa',
  '#b9c4f4',
  '#9aaaff',
  '#7589e8',
  '#5c73e7',
  '#3451b2',
  '#2c4598',
  '#24397e',
  '#1b2c63',
];

/**
 * The dark backgrounds and lines of tokens.css, for components of the library that use indexes: 7 is the background of
 * content.
 */
const dark: MantineColorsTuple = [
  '#e4e9f0',
  '#c3cad4',
  '#98a3b3',
  '#7c8899',
  '#3d4856',
  '#1f2731',
  '#1b222b',
  '#151a21',
  '#0f1318',
  '#0a0d11',
];

/** Destructive buttons: text on 6 and on 3 is readable. */
const red: MantineColorsTuple = [
  '#fdeceb',
  '#fbd5d2',
  '#ffb3ac',
  '#ff8d84',
  '#ea5f55',
  '#cf3d33',
  '#b3261e',
  '#962018',
  '#7a1a14',
  '#5f140f',
];

export const theme = createTheme({
  colors: { accent, dark, red },
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 3 },
  autoContrast: true,
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '14px', xl: '16px' },
  lineHeights: { xs: '1.4', sm: '1.5', md: '1.5', lg: '1.5', xl: '1.5' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  defaultRadius: 'sm',
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  respectReducedMotion: true,
  focusRing: 'auto',
  cursorType: 'pointer',
  components: {
    ModalRoot: { defaultProps: { transitionProps: { duration: 100 } } },
    // The placeholder is an element that a menu may not contain; without it, the first item has the focus.
    Menu: { defaultProps: { transitionProps: { duration: 80 }, shadow: 'sm', withInitialFocusPlaceholder: false } },
    Tooltip: { defaultProps: { transitionProps: { duration: 80 }, openDelay: 250 } },
    Button: {
      defaultProps: { size: 'compact-sm', fw: 500 },
      // The library would choose the text color by the light scheme's shade in both schemes.
      vars: (_theme: unknown, { variant }: { variant?: string }) => ({
        root: variant === undefined || variant === 'filled' ? { '--button-color': 'var(--accent-ink)' } : {},
      }),
    },
    TextInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
  },
});

/** The library uses our tokens, so that there is one scale of gray. In both schemes: its own rules are as specific. */
const tokens = {
  '--menu-item-hover': 'var(--hover)',
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--dim)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--ink)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-placeholder': 'var(--dim)',
  '--mantine-color-error': 'var(--failed)',
  '--mantine-color-anchor': 'var(--accent)',
  '--input-bg': 'var(--surface)',
  '--input-bd': 'var(--line-strong)',
};

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: tokens, dark: tokens });
