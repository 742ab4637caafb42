import type { JSX } from 'react';
import { Icon, type IconName } from './Icon';

interface Props {
  icon: IconName;
  /** What it does and to what ("Stop sentiment"): its name for assistive tools and its tooltip. */
  label: string;
  onClick: () => void;
  disabled?: boolean;
  expanded?: boolean;
}

export function IconButton({ icon, label, onClick, disabled, expanded }: Props): JSX.Element {
  return (
    <button
      type="button"
      className="jp-ModelDeploy-iconButton"
      aria-label={label}
      aria-expanded={expanded}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
