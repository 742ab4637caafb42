import type { JSX } from 'react';
import { useTrans } from '../contexts';

/** Whether running services follow an alias that moves. */
export function FollowBox({
  checked,
  onChecked
}: {
  checked: boolean;
  onChecked: (checked: boolean) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <label>
      <input
        type="checkbox"
        checked={checked}
        onChange={event => {
          onChecked(event.target.checked);
        }}
      />{' '}
      {trans.__('Switch the services that serve the version before, too')}
    </label>
  );
}
