import { useState, type JSX } from 'react';
import { isTrained } from '../../core/lineage';
import { isQuarantined } from '../../core/safety';
import type { Job, Model, Version } from '../../core/types';
import { ConvertForm } from '../ConvertForm';
import { useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatBytes } from '../format';
import { QuantizeForm } from '../QuantizeForm';
import { useVersionActions } from '../useVersionActions';
import { VersionDetails } from '../VersionDetails';
import { DeprecateForm } from './DeprecateForm';
import { PageButton } from './PageButton';
import { Part } from './Part';
import { PromoteForm } from './PromoteForm';
import { Safety } from './Safety';

/** One version: what can be done with it, what is known of it, whether it is safe, and its files. `aliases` are those of
 * its model that are known. */
export function VersionPart({
  version,
  model,
  aliases
}: {
  version: Version;
  model: Model;
  aliases: readonly string[];
}): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const { ref } = version;
  const { serve, insertLoader, insertTraining } = useVersionActions(version);
  const shut = isQuarantined(version);
  const [making, setMaking] = useState<'convert' | 'quantize' | 'promote' | 'deprecate' | null>(
    null
  );
  const unfold = (form: typeof making): void => {
    setMaking(making === form ? null : form);
  };
  const show = (job: Job): void => {
    setMaking(null);
    openPage?.({ page: 'job', id: job.id });
  };
  return (
    <Part title={ref}>
      <div className="jp-ModelDeploy-buttons">
        <PageButton
          text={trans.__('Serve')}
          label={trans.__('Serve %1', ref)}
          main
          disabled={serve.busy || shut}
          onClick={serve.run}
        />
        {openPage && (
          <>
            <PageButton
              text={trans.__('Fine-tune…')}
              label={trans.__('Fine-tune %1', ref)}
              disabled={shut}
              onClick={() => {
                openPage({ page: 'finetune', base: ref });
              }}
            />
            <PageButton
              text={trans.__('Optimise…')}
              label={trans.__('Optimise %1', ref)}
              disabled={shut}
              onClick={() => {
                openPage({ page: 'optimize', version: ref });
              }}
            />
          </>
        )}
        <PageButton
          text={trans.__('Convert…')}
          label={trans.__('Convert %1', ref)}
          expanded={making === 'convert'}
          disabled={shut}
          onClick={() => {
            unfold('convert');
          }}
        />
        <PageButton
          text={trans.__('Quantize…')}
          label={trans.__('Quantize %1', ref)}
          expanded={making === 'quantize'}
          disabled={shut}
          onClick={() => {
            unfold('quantize');
          }}
        />
        <PageButton
          text={trans.__('Promote…')}
          label={trans.__('Promote %1', ref)}
          expanded={making === 'promote'}
          onClick={() => {
            unfold('promote');
          }}
        />
        <PageButton
          text={version.deprecated ? trans.__('Deprecated…') : trans.__('Deprecate…')}
          label={
            version.deprecated ? trans.__('Deprecated: %1', ref) : trans.__('Deprecate %1', ref)
          }
          expanded={making === 'deprecate'}
          onClick={() => {
            unfold('deprecate');
          }}
        />
        <PageButton
          text={trans.__('Insert loader')}
          label={trans.__('Insert loader of %1 into notebook', ref)}
          disabled={insertLoader.busy || shut}
          onClick={insertLoader.run}
        />
        {isTrained(version) && (
          <PageButton
            text={trans.__('Insert training')}
            label={trans.__('Insert training of %1 into notebook', ref)}
            disabled={insertTraining.busy}
            onClick={insertTraining.run}
          />
        )}
      </div>
      <ErrorNote error={serve.error ?? insertLoader.error ?? insertTraining.error} />
      {making === 'convert' && <ConvertForm version={version} onStarted={show} />}
      {making === 'quantize' && <QuantizeForm version={version} onStarted={show} />}
      {making === 'promote' && (
        <PromoteForm version={version} aliases={model.aliases} suggested={aliases} />
      )}
      {making === 'deprecate' && <DeprecateForm version={version} versions={model.versions} />}
      <VersionDetails version={version} />
      <h3>{trans.__('Safety')}</h3>
      <Safety version={version} />
      <h3>{trans.__('Files')}</h3>
      <table
        className="jp-ModelDeploy-table jp-ModelDeploy-files"
        aria-label={trans.__('Files of %1', ref)}
      >
        <thead>
          <tr>
            <th scope="col">{trans.__('File')}</th>
            <th scope="col">{trans.__('Size')}</th>
            <th scope="col">{trans.__('SHA-256')}</th>
          </tr>
        </thead>
        <tbody>
          {version.files.map(({ path, size, sha256 }) => (
            <tr key={path}>
              <th scope="row">{path}</th>
              <td>{formatBytes(size)}</td>
              <td title={sha256}>
                <code>{sha256.slice(0, 12)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}
