import type { JSX } from 'react';
import type { Advice, QuantizeRequest, ServiceReport, SpecChange } from '../core/types';
import { useApi, useOpenPage, useTrans } from './contexts';
import { CopyButton } from './CopyButton';
import { ErrorNote } from './ErrorNote';
import { formatFigure } from './format';
import { useAction } from './useAction';

/** What would make a service faster, by what it gained when it was tried; and what gained nothing. */
export function AdviceList({ report }: { report: ServiceReport }): JSX.Element {
  const trans = useTrans();
  const vain = report.trials.filter(trial => !trial.kept);
  return (
    <section aria-label={trans.__('Advice')}>
      {report.advice.length === 0 && (
        <p>{trans.__('Nothing that was tried gains more than its noise.')}</p>
      )}
      <ol>
        {report.advice.map(advice => (
          <li key={advice.title}>
            <OneAdvice advice={advice} service={report.service} />
          </li>
        ))}
      </ol>
      {vain.map(({ title, why }) => (
        <p key={title} className="jp-ModelDeploy-detail">
          {trans.__('Tried: %1. %2', title, why)}
        </p>
      ))}
    </section>
  );
}

function OneAdvice({ advice, service }: { advice: Advice; service: string }): JSX.Element {
  const trans = useTrans();
  const { title, speed_up, evidence, caution, action } = advice;
  return (
    <>
      <strong>
        {trans.__(
          '%1: %2 times as fast (%3 to %4)',
          title,
          formatFigure(speed_up.value),
          formatFigure(speed_up.low),
          formatFigure(speed_up.high)
        )}
      </strong>
      <p>
        {evidence} {advice.trial} {caution} {action.how}
      </p>
      {action.commands.map(command => (
        <p key={command}>
          <code>{command}</code>
          <CopyButton text={command} label={trans.__('Copy the code')} />
        </p>
      ))}
      {action.operation !== null && <Follow advice={advice} service={service} />}
    </>
  );
}

/** Does what the advice says: changes the service, or starts to make the version that is to be served then. */
function Follow({ advice, service }: { advice: Advice; service: string }): JSX.Element | null {
  const api = useApi();
  const trans = useTrans();
  const openPage = useOpenPage();
  const { operation, request } = advice.action;
  const follow = useAction(async () => {
    if (operation === 'change_service') {
      await api.changeService(service, request.spec as SpecChange);
      openPage?.({ page: 'service', name: service });
    } else {
      const job = await api.quantize(request as unknown as QuantizeRequest);
      openPage?.({ page: 'job', id: job.id });
    }
  });
  if (operation !== 'change_service' && operation !== 'quantize_model') {
    return null;
  }
  return (
    <>
      <button
        type="button"
        className="jp-ModelDeploy-button"
        aria-label={trans.__('Do it: %1', advice.title)}
        disabled={follow.busy}
        onClick={follow.run}
      >
        {trans.__('Do it')}
      </button>
      <ErrorNote error={follow.error} />
    </>
  );
}
