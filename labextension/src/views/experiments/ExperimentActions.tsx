import { useState, type JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Experiment, ExperimentAction } from '../../core/types';
import { Confirmation } from '../Confirmation';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { PageButton } from '../pages/PageButton';
import { useAction } from '../useAction';

/** What can be done with a live experiment now: it is held and goes on at a word, and is ended after a question. */
export function ExperimentActions({ found }: { found: Experiment }): JSX.Element | null {
  const api = useApi();
  const trans = useTrans();
  const [asking, setAsking] = useState<ExperimentAction | null>(null);
  const [alias, setAlias] = useState(found.alias ?? '');
  const act = useAction(async (action: ExperimentAction) => {
    const moved = action === 'promote' && alias ? alias : undefined;
    await api.actOnExperiment(found.id, action, moved);
  });
  const { kind, outcome } = found;
  if (kind !== 'live' || (outcome !== 'running' && outcome !== 'paused')) {
    return null;
  }
  const held: ExperimentAction = outcome === 'running' ? 'pause' : 'resume';
  const ends: ExperimentAction[] = ['promote', 'roll-back', 'stop'];
  return (
    <>
      <div className="jp-ModelDeploy-buttons">
        {[held, ...ends].map(action => (
          <PageButton
            key={action}
            text={actionText(action, trans)}
            disabled={act.busy}
            onClick={() => {
              if (action === held) {
                act.run(action);
              } else {
                setAsking(action);
              }
            }}
          />
        ))}
      </div>
      {asking && (
        <Confirmation
          key={asking}
          question={questionText(asking, found, trans)}
          action={actionText(asking, trans)}
          onConfirm={() => {
            act.run(asking);
          }}
          onDismiss={() => {
            setAsking(null);
          }}
        >
          {asking === 'promote' && (
            <label className="jp-ModelDeploy-field">
              {trans.__('Alias that moves with it')}
              <input
                value={alias}
                placeholder={trans.__('none')}
                spellCheck={false}
                onChange={event => {
                  setAlias(event.target.value);
                }}
              />
            </label>
          )}
        </Confirmation>
      )}
      <ErrorNote error={act.error} />
    </>
  );
}

function actionText(action: ExperimentAction, trans: Translation): string {
  switch (action) {
    case 'pause':
      return trans.__('Pause');
    case 'resume':
      return trans.__('Resume');
    case 'promote':
      return trans.__('Promote');
    case 'roll-back':
      return trans.__('Roll back');
    case 'stop':
      return trans.__('Stop the experiment');
  }
}

function questionText(
  action: ExperimentAction,
  { base, candidate }: Experiment,
  trans: Translation
): string {
  switch (action) {
    case 'promote':
      return trans.__('End the experiment and give all traffic of the two to %1?', candidate);
    case 'roll-back':
      return trans.__('End the experiment and give all traffic of the two to %1?', base);
    default:
      return trans.__('End the experiment and split the traffic as before?');
  }
}
