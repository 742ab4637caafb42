import { commands } from './commands';
import { dragging } from './dragging';
import { items } from './items';
import { notifications } from './notifications';
import { pages } from './pages';
import { panels } from './panels';
import { running } from './running';
import { sidebar } from './sidebar';
import { status } from './status';
import { workspace } from './workspace';

export default [
  workspace,
  sidebar,
  pages,
  panels,
  commands,
  items,
  dragging,
  status,
  running,
  notifications
];
