import { useEffect, useRef, type JSX, type ReactNode } from 'react';
import { useTrans } from './contexts';

interface Props {
  question: string;
  /** What the answer "yes" does: "Cancel the job". */
  action: string;
  onConfirm: () => void;
  onDismiss: () => void;
  /** What else is to be said with the answer. */
  children?: ReactNode;
}

/** Asks before something is ended. It stands in the row it belongs to, takes the focus, is left with Escape
 * and gives the focus back. */
export function Confirmation({
  question,
  action,
  onConfirm,
  onDismiss,
  children
}: Props): JSX.Element {
  const trans = useTrans();
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    safe.current?.focus();
    return () => {
      if (before instanceof HTMLElement) {
        before.focus();
      }
    };
  }, []);
  return (
    <div
      className="jp-ModelDeploy-confirmation"
      role="alertdialog"
      aria-label={question}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onDismiss();
        }
      }}
    >
      <span>{question}</span>
      {children}
      <div className="jp-ModelDeploy-buttons">
        <button ref={safe} type="button" className="jp-ModelDeploy-button" onClick={onDismiss}>
          {trans.__('Keep it')}
        </button>
        <button
          type="button"
          className="jp-ModelDeploy-button jp-ModelDeploy-warn"
          onClick={() => {
            onDismiss();
            onConfirm();
          }}
        >
          {action}
        </button>
      </div>
    </div>
  );
}
