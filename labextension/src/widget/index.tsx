import { createRoot } from 'react-dom/client';
import '../../style/index.css';
import '../../style/widget.css';
import { createApi } from '../core/client';
import { seekHost } from '../core/host';
import { Live } from '../core/live';
import { Channel, type Comm } from './channel';
import { standalone } from './standalone';
import { WidgetPanel, type TraitModel } from './WidgetPanel';

/** Draws one view of a panel; what it returns takes the view away. */
function render({ model, el }: { model: TraitModel & Comm; el: HTMLElement }): () => void {
  const host = seekHost() ?? standalone;
  const channel = new Channel(model, host);
  const api = createApi(channel.send);
  // Each panel has a React of its own, which would name its elements as that of the panel beside it does.
  const root = createRoot(el, {
    identifierPrefix: crypto.getRandomValues(new Uint32Array(1)).join()
  });
  root.render(
    <WidgetPanel model={model} channel={channel} given={{ ...host, api, live: new Live(api) }} />
  );
  return () => {
    root.unmount();
    channel.dispose();
  };
}

export default { render };
