import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { badge } from './badge';
import { modelDeployIcon } from './icon';
import { ViewWidget } from './view';
import { IModelDeploy, OPEN } from './workspace';

/** The panel in the left area, and the command that opens it. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:plugin',
  description: 'Lists models, jobs and services in a sidebar panel.',
  autoStart: true,
  requires: [IModelDeploy],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    given: IModelDeploy,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { trans } = given;
    const panel = new ViewWidget(given, async () => (await import('../views/Panel')).Panel);
    panel.id = 'jupyter-modeldeploy-panel';
    panel.title.icon = modelDeployIcon;
    panel.title.caption = trans.__('Models, jobs and services');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('Models, jobs and services'));
    app.shell.add(panel, 'left', { rank: 500, type: 'ModelDeploy' });
    restorer?.add(panel, panel.id);
    badge(panel, given);

    app.commands.addCommand(OPEN, {
      label: trans.__('Open Model Deployment'),
      caption: trans.__('Show the panel that lists models, jobs and services'),
      icon: modelDeployIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        app.shell.activateById(panel.id);
        panel.node.focus(); // also from within it: the next Tab begins at its top
      }
    });
    palette?.addItem({ command: OPEN, category: trans.__('Model Deployment') });
  }
};
