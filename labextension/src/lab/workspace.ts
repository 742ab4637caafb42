import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { createApi } from '../core/client';
import { Live } from '../core/live';
import { PreferenceStore } from '../core/preferences';
import type { Spoken } from '../core/translation';
import type { Given } from '../views/Surroundings';
import { sendOverHttp } from './http';
import { insertIntoNotebook } from './notebook';

/** The plugin whose settings are all of ours. */
const SETTINGS = 'jupyter-modeldeploy:plugin';

export const OPEN = 'modeldeploy:open';
export const OPEN_PAGE = 'modeldeploy:open-page';

/** The workspace behind this JupyterLab: all of its surfaces ask through one API and share one picture of it, so that a
 * window with many of them listens to the server once. */
export const IModelDeploy = new Token<IModelDeploy>(
  'jupyter-modeldeploy:IModelDeploy',
  'The workspace of models, jobs and services, and what its views need.'
);

/** What every surface of this JupyterLab gets; here there are settings. */
export interface IModelDeploy extends Given, Spoken {
  readonly preferences: PreferenceStore;
}

export const workspace: JupyterFrontEndPlugin<IModelDeploy> = {
  id: 'jupyter-modeldeploy:workspace',
  description: 'Provides the way to the workspace of models, jobs and services.',
  autoStart: true,
  provides: IModelDeploy,
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ) => {
    const { languageCode: language } = translator ?? nullTranslator;
    const trans = (translator ?? nullTranslator).load('jupyter_modeldeploy');
    const send = sendOverHttp(app.serviceManager.serverSettings, { trans, language });
    const live = new Live(createApi(send));
    const preferences = new PreferenceStore();
    if (registry) {
      void followSettings(registry, preferences, trans);
    }
    return {
      api: createApi(send, () => live.catchUp()),
      preferences,
      live,
      insertCode: code => insertIntoNotebook(app.commands, code, trans),
      openPage: address => {
        void app.commands.execute(OPEN_PAGE, { ...address });
      },
      trans,
      language
    };
  }
};

/** Takes over what the user set, now and whenever it changes. */
async function followSettings(
  registry: ISettingRegistry,
  preferences: PreferenceStore,
  trans: TranslationBundle
): Promise<void> {
  registry.transform(SETTINGS, { fetch: plugin => translated(plugin, trans) });
  const settings = await registry.load(SETTINGS);
  const take = (): void => {
    preferences.set(settings.composite); // the schema has told what is of which kind
  };
  settings.changed.connect(take);
  take();
}

/** The settings with their texts in the user's language; JupyterLab's server knows those of its own language packs alone. */
function translated(
  { schema, ...plugin }: ISettingRegistry.IPlugin,
  trans: TranslationBundle
): ISettingRegistry.IPlugin {
  // eslint-disable-next-line jupyter/no-dynamic-translation -- the texts of the schema are in the catalogue too
  const inLanguage = (text: string): string => trans.gettext(text);
  const say = <Part extends { title?: string; description?: string }>(part: Part): Part => ({
    ...part,
    ...(part.title && { title: inLanguage(part.title) }),
    ...(part.description && { description: inLanguage(part.description) })
  });
  const properties = Object.entries(schema.properties ?? {}).map(([name, part]) => [
    name,
    say(part)
  ]);
  return {
    ...plugin,
    schema: {
      ...say(schema),
      properties: Object.fromEntries(properties) as typeof schema.properties
    }
  };
}
