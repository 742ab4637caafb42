import { useState, type JSX } from 'react';
import { routingOf, type RoutingDraft } from '../../core/routing';
import type { PreviewRequest } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { asLines, LinesInput } from '../experiments/LinesInput';
import { useAnswer } from '../useAnswer';
import { useDelayed } from '../useDelayed';
import { PreviewResult } from './PreviewResult';

const MADE_UP = 1000;

/** Who would get what of a draft, asked anew with what is typed: of units that are made up, of those that are named, and for
 * requests that say and hold what is given. */
export function PreviewForm({
  service,
  model,
  draft
}: {
  service: string;
  model: string;
  draft: RoutingDraft;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [units, setUnits] = useState('');
  const [attributes, setAttributes] = useState('');
  const [text, setText] = useState('');
  const named = units.split(/[,\n]/).map(unit => unit.trim());
  const request: PreviewRequest = {
    name: service,
    model,
    routing: { ...routingOf(draft) },
    units: named.filter(Boolean),
    count: MADE_UP,
    attributes: asLines(attributes),
    ...(text && { input: text })
  };
  const asked = useDelayed(JSON.stringify(request));
  const { answer, error } = useAnswer(asked, () =>
    api.previewRouting(JSON.parse(asked) as PreviewRequest)
  );
  return (
    <fieldset>
      <legend>{trans.__('Who gets what')}</legend>
      <p className="jp-ModelDeploy-detail">
        {trans.__(
          'A unit is whose request it is, as the header X-Unit-Id says; it keeps its version.'
        )}
      </p>
      <div className="jp-ModelDeploy-form">
        <LinesInput label={trans.__('Units')} example="alice" value={units} onChange={setUnits} />
        <LinesInput
          label={trans.__('Their requests say')}
          example="region=eu"
          value={attributes}
          onChange={setAttributes}
        />
        <LinesInput
          label={trans.__('and hold the text')}
          example=""
          value={text}
          onChange={setText}
        />
      </div>
      {answer && !error && <PreviewResult preview={answer} named={request.units?.length ?? 0} />}
      <ErrorNote error={error} />
    </fieldset>
  );
}
