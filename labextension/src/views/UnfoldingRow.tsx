import { useId, type JSX, type ReactNode } from 'react';
import type { Address } from '../core/address';
import { useTrans } from './contexts';
import { Icon } from './Icon';
import { OpenPageButton } from './OpenPageButton';

interface Props {
  name: string;
  /** Beside the name. */
  size?: ReactNode;
  /** Below it. */
  facts: ReactNode;
  title?: string;
  open: boolean;
  /** The id of what it unfolds. */
  controls: string;
  /** Its page. */
  address: Extract<Address, { name: string }>;
  onToggle: () => void;
}

/** The row of an item that unfolds, and the way to its page. Assistive tools call it by its name alone. */
export function UnfoldingRow(props: Props): JSX.Element {
  const { name, size, facts, title, open, controls, address, onToggle } = props;
  const trans = useTrans();
  const id = useId();
  return (
    <div className="jp-ModelDeploy-rowLine">
      <button
        type="button"
        className="jp-ModelDeploy-row"
        aria-expanded={open}
        aria-labelledby={`${id}-name`}
        aria-describedby={`${id}-size ${id}-facts`}
        aria-controls={controls}
        title={title}
        onClick={onToggle}
      >
        <Icon name="caret" />
        <span className="jp-ModelDeploy-rowText">
          <span className="jp-ModelDeploy-line">
            <span id={`${id}-name`} className="jp-ModelDeploy-name">
              {name}
            </span>
            {size && (
              <span id={`${id}-size`} className="jp-ModelDeploy-detail">
                {size}
              </span>
            )}
          </span>
          <span id={`${id}-facts`} className="jp-ModelDeploy-line jp-ModelDeploy-detail">
            {facts}
          </span>
        </span>
      </button>
      <OpenPageButton address={address} label={trans.__('Open the page of %1', address.name)} />
    </div>
  );
}
