import type { JSX } from 'react';
import type { Address } from '../core/address';
import { useOpenPage } from './contexts';
import { IconButton } from './IconButton';

/** Opens the page of what a row is about; nothing where no page can be opened. */
export function OpenPageButton({
  address,
  label
}: {
  address: Address;
  label: string;
}): JSX.Element | null {
  const openPage = useOpenPage();
  return (
    openPage && (
      <IconButton
        icon="open"
        label={label}
        onClick={() => {
          openPage(address);
        }}
      />
    )
  );
}
