import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { isQuarantined } from '../core/safety';
import type { Translation } from '../core/translation';
import type { Version } from '../core/types';
import { SHOWN_MS, tellServing } from './telling';
import type { IModelDeploy } from './workspace';

/** Asks for a version and a name, and serves it. */
export async function deploy({ api, openPage, trans }: IModelDeploy): Promise<void> {
  const models = await api.models();
  const versions = models
    .flatMap(model => [...model.versions].sort((a, b) => b.number - a.number))
    .filter(version => !isQuarantined(version));
  if (versions.length === 0) {
    Notification.info(trans.__('There is no model to deploy yet. Fetch one in the sidebar.'), {
      autoClose: SHOWN_MS
    });
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
