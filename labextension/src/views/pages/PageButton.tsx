import type { JSX } from 'react';

interface Props {
  text: string;
  /** What it does and to what, for assistive tools; the text where that says it. */
  label?: string;
  onClick: () => void;
  /** Whether it is what one mostly comes for. */
  main?: boolean;
  disabled?: boolean;
  /** Whether what it unfolds is shown. */
  expanded?: boolean;
}

/** A button of a page, with its text on it. */
export function PageButton({ text, label, onClick, main, disabled, expanded }: Props): JSX.Element {
  return (
    <button
      type="button"
      className={`jp-ModelDeploy-button${main ? ' jp-ModelDeploy-accept' : ''}`}
      aria-label={label}
      aria-expanded={expanded}
      disabled={disabled}
      onClick={onClick}
    >
      {text}
    </button>
  );
}
