import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import { isLiving, isResumable } from '../core/jobs';
import { isTrained } from '../core/lineage';
import { isQuarantined } from '../core/safety';
import type { Job, Service, Version } from '../core/types';
import { confirmed, telling, tellServing } from './telling';
import { IModelDeploy } from './workspace';

/** Something that can be done with an item of the lists. */
interface ItemCommand<Item> {
  id: string;
  label: string;
  /** Whether the menu offers it for this item. */
  offered?: (item: Item) => boolean;
  /** Whether it can be done with this item. */
  possible?: (item: Item) => boolean;
  act: (item: Item) => unknown;
}

/** The commands of the items' context menus. Each takes the item's name from its arguments, else from the menu's place. */
export const items: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:items',
  description:
    'Offers in a context menu what can be done with a model, a version, a job or a service.',
  autoStart: true,
  requires: [IModelDeploy],
  activate: (app: JupyterFrontEnd, given: IModelDeploy) => {
    const { live, openPage } = given;
    const find = {
      model: (name: string) => live.snapshot().models?.find(model => model.name === name),
      version: (ref: string) =>
        live
          .snapshot()
          .models?.flatMap(model => model.versions)
          .find(version => version.ref === ref),
      job: (id: string) => live.snapshot().jobs?.find(job => job.id === id),
      service: (name: string) => live.snapshot().services?.find(service => service.name === name)
    };
    const { trans } = given;
    register(app, 'model', find.model, [
      {
        id: 'modeldeploy:open-model',
        label: trans.__('Open Model'),
        act: ({ name }) => openPage?.({ page: 'model', name })
      }
    ]);
    register(app, 'version', find.version, versionCommands(given));
    register(app, 'job', find.job, jobCommands(given));
    register(app, 'service', find.service, serviceCommands(given));
  }
};

function register<Item>(
  app: JupyterFrontEnd,
  attribute: 'model' | 'version' | 'job' | 'service',
  find: (key: string) => Item | undefined,
  commands: ItemCommand<Item>[]
): void {
  const item = (args: { readonly [name: string]: unknown }): Item | undefined => {
    const hit = app.contextMenuHitTest(node => node.dataset[attribute] !== undefined);
    const key = args[attribute] ?? hit?.dataset[attribute];
    return typeof key === 'string' ? find(key) : undefined;
  };
  for (const { id, label, offered, possible, act } of commands) {
    const holds = (test: typeof offered, args: { readonly [name: string]: unknown }): boolean => {
      const found = item(args);
      return found !== undefined && (test?.(found) ?? true);
    };
    app.commands.addCommand(id, {
      label,
      describedBy: { args: { type: 'object', properties: { [attribute]: { type: 'string' } } } },
      isVisible: args => holds(offered, args),
      isEnabled: args => holds(possible, args),
      execute: args => {
        const found = item(args);
        return found && telling(() => act(found));
      }
    });
  }
}

function versionCommands({
  api,
  insertCode,
  openPage,
  trans
}: IModelDeploy): ItemCommand<Version>[] {
  const possible = (version: Version): boolean => !isQuarantined(version);
  return [
    {
      id: 'modeldeploy:serve-version',
      label: trans.__('Serve'),
      possible,
      act: ({ model, number }) => {
        tellServing(api.serve(model, model, number), model, trans, () => {
          openPage?.({ page: 'service', name: model });
        });
      }
    },
    {
      id: 'modeldeploy:finetune-version',
      label: trans.__('Fine-Tune…'),
      possible,
      act: ({ ref }) => openPage?.({ page: 'finetune', base: ref })
    },
    {
      id: 'modeldeploy:optimize-version',
      label: trans.__('Optimise…'),
      possible,
      act: ({ ref }) => openPage?.({ page: 'optimize', version: ref })
    },
    {
      id: 'modeldeploy:insert-loader',
      label: trans.__('Insert Loader into Notebook'),
      possible,
      act: async ({ ref }) => insertCode(await api.loader(ref))
    },
    {
      id: 'modeldeploy:insert-training',
      label: trans.__('Insert Training into Notebook'),
      offered: isTrained,
      act: async ({ ref }) => insertCode(await api.trainingCode(ref))
    },
    {
      id: 'modeldeploy:copy-version',
      label: trans.__('Copy Reference'),
      act: ({ ref }) => {
        Clipboard.copyToSystem(ref);
      }
    }
  ];
}

function jobCommands({ api, openPage, trans }: IModelDeploy): ItemCommand<Job>[] {
  return [
    {
      id: 'modeldeploy:open-job',
      label: trans.__('Open Job'),
      act: ({ id }) => openPage?.({ page: 'job', id })
    },
    {
      id: 'modeldeploy:cancel-job',
      label: trans.__('Cancel Job…'),
      offered: isLiving,
      act: async ({ id, title }) => {
        if (await confirmed(trans.__('Cancel %1?', title), trans.__('Cancel the job'), trans)) {
          await api.cancelJob(id);
        }
      }
    },
    {
      id: 'modeldeploy:resume-job',
      label: trans.__('Resume Job'),
      offered: isResumable,
      act: ({ id }) => api.resumeJob(id)
    },
    {
      id: 'modeldeploy:copy-job',
      label: trans.__('Copy Identifier'),
      act: ({ id }) => {
        Clipboard.copyToSystem(id);
      }
    }
  ];
}

function serviceCommands({ api, openPage, trans }: IModelDeploy): ItemCommand<Service>[] {
  const ended = ({ state }: Service): boolean => state === 'stopped' || state === 'failed';
  return [
    {
      id: 'modeldeploy:open-service',
      label: trans.__('Open Service'),
      act: ({ name }) => openPage?.({ page: 'service', name })
    },
    {
      id: 'modeldeploy:start-service',
      label: trans.__('Start Service'),
      offered: ended,
      act: ({ name }) => {
        tellServing(api.startService(name), name, trans, () => {
          openPage?.({ page: 'service', name });
        });
      }
    },
    {
      id: 'modeldeploy:stop-service',
      label: trans.__('Stop Service…'),
      offered: service => !ended(service),
      act: async ({ name }) => {
        const question = trans.__('Stop %1? Its clients will be refused.', name);
        if (await confirmed(question, trans.__('Stop the service'), trans)) {
          await api.stopService(name);
        }
      }
    },
    {
      id: 'modeldeploy:forget-service',
      label: trans.__('Forget Service'),
      offered: ended,
      act: ({ name }) => api.removeService(name)
    },
    {
      id: 'modeldeploy:copy-url',
      label: trans.__('Copy URL'),
      offered: ({ url }) => url !== null,
      act: ({ url }) => {
        Clipboard.copyToSystem(url ?? '');
      }
    }
  ];
}
