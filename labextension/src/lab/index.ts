import { pages } from './pages';
import { panels } from './panels';
import { sidebar } from './sidebar';
import { workspace } from './workspace';

export default [workspace, sidebar, pages, panels];
