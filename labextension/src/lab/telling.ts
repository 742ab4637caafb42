import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { asApiError } from '../core/errors';
import type { Translation } from '../core/translation';

/** How long good news is shown; without a time it would only be kept in the list of notifications. */
export const SHOWN_MS = 6000;

/** What was wrong and what to do about it, in one line. */
function inWords(thrown: unknown): string {
  const { message, hint } = asApiError(thrown);
  return [message, hint].join(' ').trim();
}

/** Does something that the user asked for outside of the panel; an error is told as a notification. */
export async function telling(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    tellWrong(thrown);
  }
}

export function tellWrong(thrown: unknown): void {
  Notification.error(inWords(thrown), { autoClose: false });
}

/** Whether the user wants what ends something. */
export async function confirmed(
  question: string,
  action: string,
  trans: Translation
): Promise<boolean> {
  const { button } = await showDialog({
    title: question,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep it') }),
      Dialog.warnButton({ label: action })
    ]
  });
  return button.accept;
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
        autoClose: SHOWN_MS,
        actions: [{ label: trans.__('Show it'), callback: open }]
      });
    },
    (thrown: unknown) => {
      Notification.dismiss(pending);
      tellWrong(thrown);
    }
  );
}
