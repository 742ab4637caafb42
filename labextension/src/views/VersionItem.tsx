import { useState, type JSX } from 'react';
import { isTrained } from '../core/lineage';
import { isQuarantined } from '../core/safety';
import { said } from '../core/said';
import type { Version } from '../core/types';
import { useTrans } from './contexts';
import { DeprecatedTag } from './DeprecatedTag';
import { ErrorNote } from './ErrorNote';
import { FinetuneForm } from './FinetuneForm';
import { formatBytes } from './format';
import { IconButton } from './IconButton';
import { OptimizeForm } from './OptimizeForm';
import { SafetyTag } from './SafetyTag';
import { Score } from './Score';
import { useVersionActions } from './useVersionActions';
import { VersionDetails } from './VersionDetails';

/** One version: how it was made, in which format, how large and how good it is. Can be served under its model's name. */
export function VersionItem({
  version,
  aliases
}: {
  version: Version;
  aliases: string[];
}): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [tuning, setTuning] = useState(false);
  const [optimizing, setOptimizing] = useState(false);
  const { serve, insertLoader, insertTraining } = useVersionActions(version);
  return (
    <li
      className="jp-ModelDeploy-version"
      data-version={version.ref}
      title={version.lineage.parent ?? version.lineage.source ?? undefined}
    >
      <span className="jp-ModelDeploy-line">
        <span>{version.ref}</span>
        <span className="jp-ModelDeploy-actions">
          <DeprecatedTag version={version} />
          <SafetyTag version={version} />
          <IconButton
            icon="log"
            label={
              open
                ? trans.__('Hide what is known of %1', version.ref)
                : trans.__('Show what is known of %1', version.ref)
            }
            expanded={open}
            onClick={() => {
              setOpen(!open);
            }}
          />
          <IconButton
            icon="tune"
            label={trans.__('Fine-tune %1', version.ref)}
            expanded={tuning}
            disabled={isQuarantined(version)}
            onClick={() => {
              setTuning(!tuning);
            }}
          />
          <IconButton
            icon="optimize"
            label={trans.__('Optimise %1', version.ref)}
            expanded={optimizing}
            disabled={isQuarantined(version)}
            onClick={() => {
              setOptimizing(!optimizing);
            }}
          />
          <IconButton
            icon="insert"
            label={trans.__('Insert loader of %1 into notebook', version.ref)}
            disabled={insertLoader.busy || isQuarantined(version)}
            onClick={insertLoader.run}
          />
          {isTrained(version) && (
            <IconButton
              icon="code"
              label={trans.__('Insert training of %1 into notebook', version.ref)}
              disabled={insertTraining.busy}
              onClick={insertTraining.run}
            />
          )}
          <IconButton
            icon="play"
            label={trans.__('Serve %1', version.ref)}
            disabled={serve.busy || isQuarantined(version)}
            onClick={serve.run}
          />
        </span>
      </span>
      <span className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <span>
          {aliases.map(alias => (
            <span key={alias} className="jp-ModelDeploy-tag">
              {alias}
            </span>
          ))}
          {`${said(version.lineage.step, trans)} · ${version.format} · ${formatBytes(version.size_bytes)}`}
        </span>
        <Score metrics={version.metrics} />
      </span>
      <ErrorNote error={serve.error ?? insertLoader.error ?? insertTraining.error} />
      {tuning && (
        <FinetuneForm
          base={version.ref}
          onStarted={() => {
            setTuning(false);
          }}
        />
      )}
      {optimizing && (
        <OptimizeForm
          version={version}
          onStarted={() => {
            setOptimizing(false);
          }}
        />
      )}
      {open && <VersionDetails version={version} />}
    </li>
  );
}
