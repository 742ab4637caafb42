import type { JSX, ReactNode } from 'react';
import type { ApiError } from '../core/errors';
import { misfitOf, type OptionField, type TypedValue } from '../core/optionFields';
import type { Job, Writable } from '../core/types';
import { AsCode } from './AsCode';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { OptionInputs } from './OptionInputs';
import { useAction } from './useAction';

interface Props<Request extends object> {
  label: string;
  /** What its button says. */
  action: string;
  operation: Writable;
  request: Request;
  fields: OptionField[];
  typed: Record<string, TypedValue>;
  /** Why the options are not known. */
  missing: ApiError | null;
  start: (request: Request) => Promise<Job>;
  onTyped: (typed: Record<string, TypedValue>) => void;
  onStarted: (job: Job) => void;
  /** What is asked for before the options. */
  children?: ReactNode;
}

/** A form that makes a version of another by one operation, with the options that the API describes. */
export function MakingForm<Request extends object>(props: Props<Request>): JSX.Element {
  const { request, fields, typed, onTyped, onStarted } = props;
  const trans = useTrans();
  const start = useAction(async () => {
    onStarted(await props.start(request));
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={props.label}
      onSubmit={event => {
        event.preventDefault();
        start.run();
      }}
    >
      {props.children}
      <OptionInputs fields={fields} typed={typed} unset={trans.__('not set')} onTyped={onTyped} />
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={start.busy || fields.some(one => misfitOf(one, typed[one.name]) !== null)}
      >
        {props.action}
      </button>
      <ErrorNote error={start.error ?? props.missing} />
      <AsCode operation={props.operation} request={request} />
    </form>
  );
}
