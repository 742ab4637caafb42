import { useState, type ComponentProps, type JSX } from 'react';
import { useTrans } from '../contexts';
import { CopiesCompared } from './CopiesCompared';
import { RoutingForm } from '../routing/RoutingForm';
import { routingText } from '../routing/routingText';

/** What routes requests to versions of a served model beside the split, in a line; unfolds to the form that changes it. */
export function RoutingPart(props: ComponentProps<typeof RoutingForm>): JSX.Element {
  const trans = useTrans();
  const [drawn, setDrawn] = useState(false);
  return (
    <>
      <details
        className="jp-ModelDeploy-more"
        onToggle={() => {
          setDrawn(true);
        }}
      >
        <summary>
          {routingText(props.served, trans) ||
            trans.__('Routing: no rules, no namespace, no copies')}
        </summary>
        {drawn && <RoutingForm {...props} />}
      </details>
      {props.served.shadow.length > 0 && <CopiesCompared service={props.service.name} />}
    </>
  );
}
