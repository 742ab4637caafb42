import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { createApi } from '../core/client';
import { Live } from '../core/live';
import type { Given } from '../views/Surroundings';
import { sendOverHttp } from './http';
import { insertIntoNotebook } from './notebook';

export const OPEN_PAGE = 'modeldeploy:open-page';

/** The workspace behind this JupyterLab: all of its surfaces ask through one API and share one picture of it, so that a
 * window with many of them listens to the server once. */
export const IModelDeploy = new Token<Given>(
  'jupyter-modeldeploy:IModelDeploy',
  'The workspace of models, jobs and services, and what its views need.'
);

export const workspace: JupyterFrontEndPlugin<Given> = {
  id: 'jupyter-modeldeploy:workspace',
  description: 'Provides the way to the workspace of models, jobs and services.',
  autoStart: true,
  provides: IModelDeploy,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_modeldeploy');
    const api = createApi(sendOverHttp(app.serviceManager.serverSettings));
    return {
      api,
      live: new Live(api),
      insertCode: code => insertIntoNotebook(app.commands, code, trans),
      openPage: address => {
        void app.commands.execute(OPEN_PAGE, { ...address });
      },
      trans
    };
  }
};
