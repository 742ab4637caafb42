import { useState, type JSX } from 'react';
import { draftOf, routingOf, type RoutingDraft } from '../../core/routing';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { PageButton } from '../pages/PageButton';
import { useAction } from '../useAction';
import { CopiesFields } from './CopiesFields';
import { NamespaceFields } from './NamespaceFields';
import { PreviewForm } from './PreviewForm';
import { RulesFields } from './RulesFields';
import { useServedChange, type Served } from './useServedChange';

/** Who gets which version beside the split: rules, a namespace, copies. Nothing changes until it is saved, and until then
 * the preview is of what is typed, with what the server finds wrong with it. */
export function RoutingForm(props: Served): JSX.Element {
  const { service, served, model } = props;
  const api = useApi();
  const trans = useTrans();
  const [draft, setDraft] = useState<RoutingDraft | null>(null);
  const [saved, setSaved] = useState(false);
  const shown = draft ?? draftOf(served);
  const versions = model?.versions ?? served.arms.map(arm => ({ number: arm.version }));
  const numbers = versions.map(({ number }) => number);
  const change = (changes: Partial<RoutingDraft>): void => {
    setDraft({ ...shown, ...changes });
    setSaved(false);
  };
  const save = useServedChange(props, () => {
    setDraft(now => (now === draft ? null : now)); // what was typed meanwhile is not saved yet
    setSaved(true);
  });
  const undo = useAction(async () => {
    await api.rollbackService(service.name);
    setSaved(false);
  });
  const busy = save.busy || undo.busy;
  const fields = { name: served.model, numbers, draft: shown, onChange: change };
  return (
    <div
      className="jp-ModelDeploy-routing"
      role="group"
      aria-label={trans.__('Routing of %1', served.model)}
    >
      <RulesFields {...fields} />
      <NamespaceFields {...fields} />
      <CopiesFields {...fields} />
      <PreviewForm service={service.name} model={served.model} draft={shown} />
      <div className="jp-ModelDeploy-buttons">
        {draft && (
          <>
            <PageButton
              text={trans.__('Save')}
              label={trans.__('Save the routing of %1', served.model)}
              main
              disabled={busy}
              onClick={() => {
                save.run(routingOf(shown));
              }}
            />
            <PageButton
              text={trans.__('Discard')}
              disabled={busy}
              onClick={() => {
                setDraft(null);
              }}
            />
          </>
        )}
        <span role="status">{saved && trans.__('Saved: requests are routed so now.')}</span>
        {saved && (
          <PageButton
            text={trans.__('Undo')}
            label={trans.__('Undo the change of the routing of %1', served.model)}
            disabled={busy}
            onClick={undo.run}
          />
        )}
      </div>
      <ErrorNote error={save.error ?? undo.error} />
    </div>
  );
}
