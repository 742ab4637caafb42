import type { JSX } from 'react';
import type { CopiesDraft } from '../../core/routing';
import { useTrans } from '../contexts';
import { PageButton } from '../pages/PageButton';
import type { RoutingFieldsProps } from './fields';
import { VersionSelect } from './VersionSelect';

/** Versions that get copies of requests, as shadows of those that answer. */
export function CopiesFields({ name, numbers, draft, onChange }: RoutingFieldsProps): JSX.Element {
  const trans = useTrans();
  const { copies } = draft;
  const free = numbers.filter(number => copies.every(one => one.version !== number));
  const [next] = free.slice(-1);
  const set = (place: number, changed: CopiesDraft): void => {
    onChange({ copies: copies.map((one, other) => (other === place ? changed : one)) });
  };
  return (
    <fieldset>
      <legend>{trans.__('Copies')}</legend>
      <p className="jp-ModelDeploy-detail">
        {trans.__('A version that gets copies of requests answers nobody: it is only compared.')}
      </p>
      {copies.map((one, place) => (
        <div key={one.version} className="jp-ModelDeploy-buttons">
          <VersionSelect
            label={trans.__('Version that gets copies')}
            name={name}
            numbers={[...free, one.version].sort((a, b) => a - b)}
            value={one.version}
            onChange={version => {
              set(place, { ...one, version });
            }}
          />
          <label>
            <input
              type="number"
              min={0}
              max={100}
              step="any"
              value={one.percent}
              aria-label={trans.__('Copies for %1 in %', `${name}@${one.version}`)}
              onChange={event => {
                set(place, { ...one, percent: event.target.value });
              }}
            />{' '}
            {trans.__('% of the requests')}
          </label>
          <PageButton
            text={trans.__('Remove')}
            label={trans.__('Remove the copies for %1', `${name}@${one.version}`)}
            onClick={() => {
              onChange({ copies: copies.filter((_, other) => other !== place) });
            }}
          />
        </div>
      ))}
      {next !== undefined && (
        <PageButton
          text={trans.__('Add copies')}
          label={trans.__('Add copies for a version of %1', name)}
          onClick={() => {
            onChange({ copies: [...copies, { version: next, percent: '100' }] });
          }}
        />
      )}
    </fieldset>
  );
}
