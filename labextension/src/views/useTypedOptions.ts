import { useState } from 'react';
import type { ApiError } from '../core/errors';
import type { OptionSchema, TypedValue } from '../core/optionFields';
import type { Form } from '../core/types';
import { useApi } from './contexts';
import { useAnswer } from './useAnswer';

export interface TypedOptions {
  /** The options as the API describes them; none until it was heard. */
  schema: Record<string, OptionSchema>;
  /** Why they are not known. */
  missing: ApiError | null;
  typed: Record<string, TypedValue>;
  onTyped: (typed: Record<string, TypedValue>) => void;
}

/** The options that a form asks for, and what was typed of them. */
export function useTypedOptions(form: Form): TypedOptions {
  const api = useApi();
  const [typed, onTyped] = useState<Record<string, TypedValue>>({});
  const { answer, error } = useAnswer(form, () => api.options(form));
  return { schema: answer ?? {}, missing: error, typed, onTyped };
}
