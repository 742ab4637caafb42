import type { JSX } from 'react';

/** By which column a table is sorted, and which way. */
export interface Order {
  readonly key: string;
  readonly descending: boolean;
}

/** The heading of a column by which the table is sorted when it is pressed, and the other way when it is pressed again. */
export function SortHeading({
  column,
  name,
  order,
  onOrder
}: {
  column: string;
  name: string;
  order: Order;
  onOrder: (order: Order) => void;
}): JSX.Element {
  const sorted = order.key === column;
  return (
    <th scope="col" aria-sort={sorted ? (order.descending ? 'descending' : 'ascending') : 'none'}>
      <button
        type="button"
        onClick={() => {
          onOrder({ key: column, descending: sorted && !order.descending });
        }}
      >
        {name}
      </button>
    </th>
  );
}
