import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { isQuarantined } from '../core/safety';
import type { Translation } from '../core/translation';
import type { Version } from '../core/types';
import { inWords } from './telling';
import type { IModelDeploy } from './workspace';

/** Asks for a version and a name, and serves it. */
export async function deploy({ api, openPage, trans }: IModelDeploy): Promise<void> {
  const models = await api.models();
  const versions = models
    .flatMap(model => [...model.versions].sort((a, b) => b.number - a.number))
    .filter(version => !isQuarantined(version));
  if (versions.length === 0) {
    Notification.info(trans.__('There is no model to deploy yet. Fetch one in the sidebar.'));
    return;
  }
  const { button, value } = await showDialog({
    title: trans.__('Deploy a model'),
    body: new Choice(versions, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Deploy') })],
    focusNodeSelector: 'select'
  });
  if (button.accept && value) {
    const { version, service } = value;
    tellServing(api.serve(service, version.model, version.number), service, trans, () => {
      openPage?.({ page: 'service', name: service });
    });
  }
}

/** Tells how far the start of a service is and how it ended; `open` shows the service. */
export function tellServing(
  starting: Promise<unknown>,
  service: string,
  trans: Translation,
  open: () => void
): void {
  // Notification.promise would show nothing of what is ready at once.
  const pending = Notification.emit(trans.__('Starting the service %1…', service), 'in-progress', {
    autoClose: false
  });
  starting.then(
    () => {
      Notification.dismiss(pending);
      Notification.success(trans.__('The service %1 is ready.', service), {
        actions: [{ label: trans.__('Show it'), callback: open }]
      });
    },
    (thrown: unknown) => {
      Notification.dismiss(pending);
      Notification.error(inWords(thrown), { autoClose: false });
    }
  );
}

interface Chosen {
  version: Version;
  service: string;
}

/** The dialog's fields; the service is named as its model until it is given another name. */
class Choice extends Widget implements Dialog.IBodyWidget<Chosen | null> {
  constructor(
    private readonly _versions: Version[],
    trans: Translation
  ) {
    super();
    this._version.append(...this._versions.map(({ ref }) => new Option(ref)));
    this._service.required = true;
    this._service.value = this._suggested = this._versions[0]?.model ?? '';
    this._version.addEventListener('change', this._suggest);
    this.node.append(
      labelled(trans.__('Version'), this._version),
      labelled(trans.__('Name of the service'), this._service)
    );
  }

  getValue(): Chosen | null {
    const version = this._versions[this._version.selectedIndex];
    const service = this._service.value.trim();
    return version && service ? { version, service } : null;
  }

  private readonly _suggest = (): void => {
    const model = this._versions[this._version.selectedIndex]?.model ?? '';
    if (this._service.value === this._suggested) {
      this._service.value = model;
    }
    this._suggested = model;
  };

  private readonly _version = document.createElement('select');
  private readonly _service = document.createElement('input');
  private _suggested: string;
}

function labelled(text: string, field: HTMLElement): HTMLElement {
  const label = document.createElement('label');
  label.append(text, field);
  return label;
}
