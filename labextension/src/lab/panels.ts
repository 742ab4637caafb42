import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { offerHost } from '../core/host';
import { IModelDeploy } from './workspace';

/** Gives the panels in notebooks the language, the settings and the way into a cell that the sidebar has. */
export const panels: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:panels',
  description: 'Gives the panels in notebooks the language and the settings of this application.',
  autoStart: true,
  requires: [IModelDeploy],
  activate: (_app: JupyterFrontEnd, given: IModelDeploy) => {
    offerHost(given);
  }
};
