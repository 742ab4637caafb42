import {
  ILabShell,
  ILayoutRestorer,
  IRouter,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { linkIcon, Toolbar, ToolbarButton } from '@jupyterlab/ui-components';
import { createElement } from 'react';
import { addressOf, pathOf, type Address } from '../core/address';
import { ApiError } from '../core/errors';
import type { Given } from '../views/Surroundings';
import { modelDeployIcon } from './icon';
import { ViewWidget } from './view';
import { IModelDeploy, OPEN_PAGE } from './workspace';

const FOLLOW_LINK = 'modeldeploy:follow-link';
/** The query parameter of JupyterLab's address that names a page. */
const PARAMETER = 'modeldeploy';

/** A page of the main area, which knows what it shows. */
class PageWidget extends ViewWidget {
  constructor(
    given: Given,
    readonly address: Address
  ) {
    super(given, async () => {
      const { Page } = await import('../views/pages/Page');
      return ({ workspace }) => createElement(Page, { address, workspace });
    });
    this.addClass('jp-ModelDeploy-pageWidget');
  }
}

/** The pages of the main area: opened by a command, by a link, and again after a reload. */
export const pages: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:pages',
  description: 'Shows models, datasets, jobs, services and forms as pages of the main area.',
  autoStart: true,
  requires: [IModelDeploy],
  optional: [ILabShell, ILayoutRestorer, IRouter],
  activate: (
    app: JupyterFrontEnd,
    given: IModelDeploy,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    router: IRouter | null
  ) => {
    const { trans } = given;
    const tracker = new WidgetTracker<MainAreaWidget<PageWidget>>({
      namespace: 'jupyter-modeldeploy-pages'
    });
    const linkTo = (address: Address): string => {
      const lab = URLExt.join(app.serviceManager.serverSettings.baseUrl, 'lab');
      return `${lab}?${PARAMETER}=${encodeURIComponent(pathOf(address))}`;
    };
    const open = (address: Address): void => {
      if (!labShell) {
        window.open(linkTo(address)); // Notebook 7 has no room for a page beside its notebook
        return;
      }
      const path = pathOf(address);
      const widget = tracker.find(shown => pathOf(shown.content.address) === path) ?? add(address);
      labShell.activateById(widget.id);
    };
    const add = (address: Address): MainAreaWidget<PageWidget> => {
      const widget = pageOf(given, address, linkTo(address));
      void tracker.add(widget);
      app.shell.add(widget, 'main', { type: 'Model Deployment' });
      return widget;
    };
    app.commands.addCommand(OPEN_PAGE, {
      label: trans.__('Open a Model Deployment Page'),
      caption: trans.__(
        'Show a model, a dataset, a job, a service, an experiment or a form in the main area'
      ),
      icon: modelDeployIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            page: {
              enum: ['model', 'dataset', 'job', 'service', 'experiment', 'finetune', 'optimize']
            },
            name: { type: 'string' },
            id: { type: 'string' },
            base: { type: 'string' },
            dataset: { type: 'string' },
            version: { type: 'string' }
          },
          required: ['page']
        }
      },
      execute: args => {
        open(checked(args as Address, trans));
      }
    });
    void restorer?.restore(tracker, {
      command: OPEN_PAGE,
      args: ({ content }) => ({ ...content.address }),
      name: ({ content }) => pathOf(content.address)
    });
    if (router) {
      followLinks(app, router, open);
    }
  }
};

/** The address as far as it names a page. Throws an ApiError where it names none. */
function checked(address: Address, trans: Given['trans']): Address {
  const known = addressOf(pathOf(address));
  if (!known) {
    const told = JSON.stringify(address);
    throw new ApiError(400, 'invalid', trans.__('%1 is no page.', told), '');
  }
  return known;
}

function pageOf(given: Given, address: Address, link: string): MainAreaWidget<PageWidget> {
  const { live, trans } = given;
  const content = new PageWidget(given, address);
  const widget = new MainAreaWidget({ content });
  widget.id = `jupyter-modeldeploy-page-${pathOf(address)}`;
  widget.title.icon = modelDeployIcon;
  widget.title.closable = true;
  const entitle = (): void => {
    const [label, caption] = titleOf(given, address);
    widget.title.label = label;
    widget.title.caption = caption;
  };
  entitle();
  const leave = live.subscribe(entitle);
  widget.disposed.connect(leave);
  widget.toolbar.addItem('spacer', Toolbar.createSpacerItem());
  widget.toolbar.addItem(
    'link',
    new ToolbarButton({
      icon: linkIcon,
      tooltip: trans.__('Copy a link to this page'),
      onClick: () => {
        Clipboard.copyToSystem(link);
        Notification.success(trans.__('The link is on the clipboard.'), { autoClose: 2000 });
      }
    })
  );
  return widget;
}

/** The text of the page's tab, and what its tooltip says. */
function titleOf({ live, trans }: Given, address: Address): [string, string] {
  switch (address.page) {
    case 'model':
      return [address.name, trans.__('Model %1', address.name)];
    case 'dataset':
      return [address.name, trans.__('Dataset %1', address.name)];
    case 'service':
      return [address.name, trans.__('Service %1', address.name)];
    case 'experiment':
      return [trans.__('Experiment'), trans.__('Experiment %1', address.id)];
    case 'job': {
      const job = live.snapshot().jobs?.find(({ id }) => id === address.id);
      return [job?.title ?? trans.__('Job'), job?.title ?? trans.__('Job %1', address.id)];
    }
    case 'finetune':
      return [trans.__('Fine-tune'), trans.__('Fine-tune a model')];
    case 'optimize':
      return [trans.__('Optimise'), trans.__('Optimise a model')];
  }
}

/** Opens the page that JupyterLab's own address names, and takes it out of that address, since a reload restores it. */
function followLinks(
  app: JupyterFrontEnd,
  router: IRouter,
  open: (address: Address) => void
): void {
  app.commands.addCommand(FOLLOW_LINK, {
    describedBy: { args: { type: 'object', properties: { search: { type: 'string' } } } },
    execute: async args => {
      const { path, search, hash } = args as unknown as IRouter.ILocation;
      const query = new URLSearchParams(search);
      const address = addressOf(query.get(PARAMETER) ?? '');
      query.delete(PARAMETER);
      const rest = query.size > 0 ? `?${query.toString()}` : '';
      router.navigate(`${path}${rest}${hash}`, { skipRouting: true });
      await app.restored;
      if (address) {
        open(address);
      }
    }
  });
  router.register({ command: FOLLOW_LINK, pattern: new RegExp(`[?&]${PARAMETER}=`) });
}
