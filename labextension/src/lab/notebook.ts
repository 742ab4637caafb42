import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ApiError } from '../core/errors';
import type { Translation } from '../core/translation';

const INSERT_CELL = 'notebook:insert-cell-below';
const REPLACE_SELECTION = 'notebook:replace-selection';

/** Puts `code` into a new cell of the notebook in front. Rejects with an ApiError where none is. */
export async function insertIntoNotebook(
  commands: JupyterFrontEnd['commands'],
  code: string,
  trans: Translation
): Promise<void> {
  if (!commands.hasCommand(INSERT_CELL) || !commands.isEnabled(INSERT_CELL)) {
    throw new ApiError(
      409,
      'conflict',
      trans.__('No notebook is in front.'),
      trans.__('Open one, then insert again.')
    );
  }
  await commands.execute(INSERT_CELL);
  await commands.execute(REPLACE_SELECTION, { text: code });
}
