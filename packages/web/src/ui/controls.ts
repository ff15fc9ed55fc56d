/**
 * Components of the library that pages may use directly. Pages import them from here, so that the library can be
 * replaced.
 */
export { Modal } from './modal.tsx';
export {
  ActionIcon,
  Autocomplete,
  Button,
  Checkbox,
  Menu,
  PasswordInput,
  Select,
  Tabs,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
