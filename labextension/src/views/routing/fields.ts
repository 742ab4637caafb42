import type { RoutingDraft } from '../../core/routing';

/** What each part of the form of a served model's routing is given. */
export interface RoutingFieldsProps {
  /** The model's. */
  name: string;
  /** Of its versions. */
  numbers: readonly number[];
  draft: RoutingDraft;
  onChange: (changes: Partial<RoutingDraft>) => void;
}
