import { useId, useState, type JSX } from 'react';
import type { Model, Moved, Version } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { TextField } from '../TextField';
import { useAction } from '../useAction';
import { useAnswer } from '../useAnswer';
import { useDelayed } from '../useDelayed';
import { useTimes } from '../useTimes';
import { CheckLines } from './CheckLines';
import { FollowBox } from './FollowBox';
import { MovedNote } from './MovedNote';

/** Points an alias at a version, as its rule allows; refused where it has moved since the page showed it. What the rule asks
 * is said before, with whether it holds. `suggested` are the names that are known, be it for their rule alone. */
export function PromoteForm({
  version,
  aliases,
  suggested
}: {
  version: Version;
  aliases: Model['aliases'];
  suggested: readonly string[];
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const known = useId();
  const [alias, setAlias] = useState('production');
  const [reason, setReason] = useState('');
  const [follow, setFollow] = useState(false);
  const [moved, setMoved] = useState<Moved | null>(null);
  const wanted = useDelayed(alias);
  const key = `${version.ref} ${wanted} ${useTimes(aliases)}`;
  const { answer: asked, error: refused } = useAnswer(key, () =>
    api.promote({ version: version.ref, alias: wanted, dry_run: true })
  );
  const promote = useAction(async () => {
    setMoved(null);
    const expected = aliases[alias] ?? 0;
    setMoved(await api.promote({ version: version.ref, alias, reason, expected, follow }));
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Promote %1', version.ref)}
      onSubmit={event => {
        event.preventDefault();
        promote.run();
      }}
    >
      <label className="jp-ModelDeploy-field">
        {trans.__('Alias')}
        <input
          value={alias}
          list={known}
          required
          onChange={event => {
            setAlias(event.target.value);
          }}
        />
        <datalist id={known}>
          {suggested.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <TextField label={trans.__('Why')} value={reason} onChange={setReason} />
      <FollowBox checked={follow} onChecked={setFollow} />
      {asked && <CheckLines {...asked} />}
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={promote.busy}
      >
        {trans.__('Promote')}
      </button>
      {moved && <MovedNote moved={moved} />}
      <ErrorNote error={promote.error ?? refused} />
    </form>
  );
}
