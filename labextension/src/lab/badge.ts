import { MessageLoop, type Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import { isLiving } from '../core/jobs';
import type { Workspace } from '../core/live';
import type { Given } from '../views/Surroundings';

const FAILED = ['failed', 'interrupted'];

/** Marks the tab of `panel` with how many jobs are at work, and with what failed while nobody saw the panel. */
export function badge(panel: Widget, { live, trans }: Given): void {
  const caption = panel.title.caption;
  let known: Set<string> | null = null;
  const mark = (): void => {
    const workspace = live.snapshot();
    const failed = failuresIn(workspace);
    if (!failed) {
      return;
    }
    known = panel.isVisible || !known ? failed : known; // what failed before this window was open is no news
    const news = [...failed].filter(key => !known?.has(key)).length;
    const running = workspace.jobs?.filter(job => isLiving(job) && job.parent === null).length ?? 0;
    const said = [
      running > 0 ? trans._n('%1 at work', '%1 at work', running, running) : '',
      news > 0 ? trans._n('%1 failed', '%1 failed', news, news) : ''
    ].filter(Boolean);
    panel.title.caption = said.length > 0 ? `${caption} (${said.join(', ')})` : caption;
    panel.title.dataset = {
      ...(running > 0 && { 'modeldeploy-badge': String(running) }),
      ...(news > 0 && { 'modeldeploy-badge': String(news), 'modeldeploy-failed': '' })
    };
  };
  live.subscribe(mark);
  MessageLoop.installMessageHook(panel, (_: unknown, message: Message) => {
    if (message.type === 'after-show') {
      mark();
    }
    return true;
  });
}

/** The jobs and services that failed; null until the workspace was heard of. */
function failuresIn({ jobs, services }: Workspace): Set<string> | null {
  return (
    jobs &&
    services &&
    new Set([
      ...jobs.filter(({ state }) => FAILED.includes(state)).map(({ id }) => `job ${id}`),
      ...services.filter(({ state }) => state === 'failed').map(({ name }) => `service ${name}`)
    ])
  );
}
