import { useState, type JSX } from 'react';
import type { Service } from '../core/types';
import { useTrans } from './contexts';
import { CopyButton } from './CopyButton';
import { Icon } from './Icon';
import { TryIt } from './TryIt';

/** Where a ready service listens, and a box to try it. */
export function Endpoint({ service }: { service: Service }): JSX.Element {
  const trans = useTrans();
  const [trying, setTrying] = useState(false);
  const { name, url } = service;
  return (
    <>
      {url && (
        <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
          <code className="jp-ModelDeploy-url">{url}</code>
          <CopyButton text={url} label={trans.__('Copy the URL of %1', name)} />
        </div>
      )}
      <button
        type="button"
        className="jp-ModelDeploy-link"
        aria-expanded={trying}
        onClick={() => {
          setTrying(!trying);
        }}
      >
        <Icon name="caret" />
        {trans.__('Try %1', name)}
      </button>
      {trying && <TryIt service={service} />}
    </>
  );
}
