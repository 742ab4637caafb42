import { useState, type JSX } from 'react';
import type { OperatorRun } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { PageButton } from './pages/PageButton';
import { savePage } from './savePage';
import { useAction } from './useAction';
import { useColorScheme } from './useColorScheme';

interface Props {
  /** The job whose profile ran the graph. */
  job: string;
  version: string;
  run: OperatorRun;
}

/** The graph that was run, with the time of each node. Its page holds the model's own texts, so it is shown in a sandbox
 * that has no origin: it reaches neither the server nor what is around it. */
export function ModelGraph({ job, version, run }: Props): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [page, setPage] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const scheme = useColorScheme();
  const show = useAction(async () => {
    // The page speaks the language of these texts.
    setPage(page ?? (await api.jobGraph(job, trans.__('en'))));
    setOpen(true);
  });
  if (!run.graph_nodes) {
    return (
      <p className="jp-ModelDeploy-detail">
        {trans.__(
          'There is no graph to draw: torch calls the operators of %1 one by one. Its layers are in the table; convert it to ONNX and profile that to see a graph.',
          version
        )}
      </p>
    );
  }
  return (
    <>
      <div className="jp-ModelDeploy-buttons">
        <PageButton
          text={
            open
              ? trans.__('Hide the graph')
              : trans.__('Show the graph (%1 nodes)', run.graph_nodes)
          }
          expanded={open}
          disabled={show.busy}
          onClick={() => {
            if (open) {
              setOpen(false);
            } else {
              show.run();
            }
          }}
        />
        {open && page && (
          <PageButton
            text={trans.__('Save the graph')}
            onClick={() => {
              savePage(page, `graph-${job}.html`);
            }}
          />
        )}
      </div>
      {open && page && (
        <iframe
          className="jp-ModelDeploy-graph"
          title={trans.__('Graph of %1', version)}
          sandbox="allow-scripts"
          srcDoc={inScheme(page, scheme)}
        />
      )}
      <ErrorNote error={show.error} />
    </>
  );
}

/** The page in the colours of what is around it, which its sandbox keeps it from seeing. */
function inScheme(page: string, scheme: string): string {
  return page.replace(
    '<meta name="color-scheme" content="light dark">',
    `<meta name="color-scheme" content="${scheme}">`
  );
}
