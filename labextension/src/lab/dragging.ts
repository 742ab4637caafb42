import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import { telling } from './telling';
import { IModelDeploy } from './workspace';

/** What a notebook takes cells as, and puts in where they are dropped. */
const CELLS = 'application/vnd.jupyter.cells';
const FAR_ENOUGH_PX = 5;
/** What is operated by the pointer itself. */
const OPERATED = 'button:not(.jp-ModelDeploy-row), input, textarea, select, form, pre, a, summary';

/** Lets a model or a version be dragged onto a notebook, where a cell that loads it is inserted. */
export const dragging: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:dragging',
  description: 'Inserts the loader of a model that is dragged onto a notebook.',
  autoStart: true,
  requires: [IModelDeploy],
  activate: (app: JupyterFrontEnd, given: IModelDeploy) => {
    app.shell.node.addEventListener('pointerdown', event => {
      const ref = event.button === 0 ? draggedVersion(event.target, given) : undefined;
      if (ref !== undefined) {
        waitForDrag(ref, event, given);
      }
    });
  }
};

/** The version that is below the pointer; of a model the latest one. */
function draggedVersion(target: EventTarget | null, { live }: IModelDeploy): string | undefined {
  if (!(target instanceof Element) || target.closest(OPERATED)) {
    return undefined;
  }
  const item = target.closest<HTMLElement>(
    '.jp-ModelDeploy [data-version], .jp-ModelDeploy [data-model]'
  );
  const { version, model } = item?.dataset ?? {};
  const latest = live.snapshot().models?.find(({ name }) => name === model)?.latest;
  return version ?? (latest ? `${model}@${latest}` : undefined);
}

/** Starts the drag once the pointer has moved away with the button held, and the loader has come. */
function waitForDrag(ref: string, start: PointerEvent, { api }: IModelDeploy): void {
  let last = start;
  let waiting = true;
  let loading: Promise<void> | null = null;
  const load = async (): Promise<void> => {
    const source = await api.loader(ref);
    if (waiting) {
      end();
      drag(ref, source, last);
    }
  };
  const move = (event: PointerEvent): void => {
    last = event;
    if (Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > FAR_ENOUGH_PX) {
      loading ??= telling(load);
    }
  };
  const end = (): void => {
    waiting = false;
    document.removeEventListener('selectstart', keepUnselected);
    document.removeEventListener('pointermove', move);
    document.removeEventListener('pointerup', end);
  };
  document.addEventListener('selectstart', keepUnselected);
  document.addEventListener('pointermove', move);
  document.addEventListener('pointerup', end);
}

function keepUnselected(event: Event): void {
  event.preventDefault();
}

function drag(ref: string, source: string, { clientX, clientY }: PointerEvent): void {
  const cell = { cell_type: 'code', source, metadata: {}, outputs: [], execution_count: null };
  const mimeData = new MimeData();
  mimeData.setData(CELLS, [cell]);
  mimeData.setData('text/plain', source);
  const dragImage = document.createElement('div');
  dragImage.className = 'jp-ModelDeploy-dragged';
  dragImage.textContent = ref;
  const dragged = new Drag({
    mimeData,
    dragImage,
    supportedActions: 'copy',
    proposedAction: 'copy'
  });
  void dragged.start(clientX, clientY).then(() => {
    dragged.dispose();
  });
}
