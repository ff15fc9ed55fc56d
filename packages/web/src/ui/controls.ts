/** The library's own parts that pages may use as they are. Pages import them from here, so that it can be replaced. */
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
