import { useState, type JSX } from 'react';
import type { Workspace } from '../../core/live';
import type { Model } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';
import { Aliases } from './Aliases';
import { Lineage } from './Lineage';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';
import { Part } from './Part';
import { useAliases } from './useAliases';
import { VersionDifferences } from './VersionDifferences';
import { versionFigures } from './versionFigures';
import { VersionPart } from './VersionPart';
import { VersionsPlot } from './VersionsPlot';
import { VersionsTable } from './VersionsTable';

const MEASURING = ['profile', 'optimize'];

/** All that is known of a model: its versions side by side, where they come from, and one of them in full. */
export function ModelPage({
  name,
  workspace
}: {
  name: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const { models, jobs } = workspace;
  const model = models?.find(one => one.name === name);
  if (!models || !model) {
    return models && <Missing text={trans.__('There is no model %1.', name)} />;
  }
  const measured = jobs?.filter(job => MEASURING.includes(job.kind) && job.state === 'succeeded');
  return <Known model={model} models={models} measured={measured?.length ?? 0} />;
}

/** `measured` counts the jobs that have measured something: with each there may be new figures. */
function Known({
  model,
  models,
  measured
}: {
  model: Model;
  models: readonly Model[];
  measured: number;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { name, versions } = model;
  const [wanted, setWanted] = useState('');
  const { answer, error } = useAnswer(`${name} ${measured}`, () => api.measurements(name));
  const pages = useAliases(model);
  const chosen =
    versions.find(({ ref }) => ref === wanted) ??
    versions.find(({ number }) => number === model.latest);
  const figures = versionFigures(versions, answer ?? [], trans);
  const choice = { chosen: chosen?.ref ?? '', onChoose: setWanted };
  const aliases = Object.entries(model.aliases).map(([alias, number]) => `${alias} @${number}`);
  const known = pages.answer?.aliases.map(({ alias }) => alias) ?? Object.keys(model.aliases);
  return (
    <PageFrame
      title={name}
      facts={[model.task, ...model.tags, ...aliases, model.description].filter(Boolean).join(' · ')}
    >
      {versions.length === 0 && (
        <p className="jp-ModelDeploy-empty">{trans.__('It has no version yet.')}</p>
      )}
      {versions.length > 0 && (
        <Part title={trans.__('Versions')}>
          <VersionsTable versions={versions} figures={figures} {...choice} />
          {versions.length > 1 && (
            <VersionsPlot versions={versions} figures={figures} {...choice} />
          )}
          <ErrorNote error={error} />
        </Part>
      )}
      {versions.length > 0 && (
        <Part title={trans.__('Lineage')}>
          <Lineage models={models} name={name} {...choice} />
        </Part>
      )}
      {versions.length > 0 && (
        <Part title={trans.__('Aliases')}>
          <Aliases model={name} asked={pages} />
        </Part>
      )}
      {chosen && versions.length > 1 && (
        <Part title={trans.__('Differences')}>
          <VersionDifferences key={chosen.ref} version={chosen} versions={versions} />
        </Part>
      )}
      {chosen && <VersionPart key={chosen.ref} version={chosen} model={model} aliases={known} />}
    </PageFrame>
  );
}
