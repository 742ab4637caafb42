import { pages } from './pages';
import { sidebar } from './sidebar';
import { workspace } from './workspace';

export default [workspace, sidebar, pages];
