import { useEffect, useState, type JSX } from 'react';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { IconButton } from './IconButton';
import { useAction } from './useAction';

const SHOWN_MS = 1500;

/** Puts `text` on the clipboard and shows for a moment that it did. `label` says what is copied. */
export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  const trans = useTrans();
  const [copied, setCopied] = useState(false);
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  });
  useEffect(() => {
    const timer = copied ? setTimeout(setCopied, SHOWN_MS, false) : undefined;
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  return (
    <>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={copied ? trans.__('Copied') : label}
        onClick={copy.run}
      />
      <ErrorNote error={copy.error} />
    </>
  );
}
