import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { asApiError } from '../core/errors';
import type { Translation } from '../core/translation';

/** What was wrong and what to do about it, in one line. */
export function inWords(thrown: unknown): string {
  const { message, hint } = asApiError(thrown);
  return [message, hint].join(' ').trim();
}

/** Does something that the user asked for outside of the panel; an error is told as a notification. */
export async function telling(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    Notification.error(inWords(thrown), { autoClose: false });
  }
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
