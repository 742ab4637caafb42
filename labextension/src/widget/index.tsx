import { createRoot } from 'react-dom/client';
import '../../style/index.css';
import '../../style/widget.css';
import { createApi } from '../core/client';
import { seekHost, type Host } from '../core/host';
import { Live } from '../core/live';
import { Channel, type Comm } from './channel';
import { standalone, type Standalone } from './standalone';
import { WidgetPanel, type TraitModel } from './WidgetPanel';

/** Draws one view of a panel; what it returns takes the view away. */
function render({ model, el }: { model: TraitModel & Comm; el: HTMLElement }): () => void {
  const host: Host & Partial<Standalone> = seekHost() ?? standalone();
  const channel = new Channel(model, host);
  const live = new Live(createApi(channel.send));
  const api = createApi(channel.send, () => live.catchUp());
  // Each panel has a React of its own, which would name its elements as that of the panel beside it does.
  const root = createRoot(el, {
    identifierPrefix: crypto.getRandomValues(new Uint32Array(1)).join()
  });
  const given = { ...host, api, live };
  const draw = (language: string) => {
    root.render(<WidgetPanel key={language} model={model} channel={channel} given={given} />);
  };
  if (host.learn) {
    draw('en');
    void host.learn(api).then(draw, () => undefined); // in English where the kernel does not tell
  } else {
    draw(host.language);
  }
  return () => {
    root.unmount();
    channel.dispose();
  };
}

export default { render };
