import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Request, Send } from '../core/client';
import { ApiError, errorFrom } from '../core/errors';
import type { Spoken } from '../core/translation';

/** How long the way to a busy server and back takes at most. */
const WAY_SECONDS = 10;
/** How long the server takes to read what it has at most, and to act: it gives no action longer. */
const READING_SECONDS = 20;
const ACTION_SECONDS = 300;
/** What a hub and its proxy answer in the place of a server that is not there. */
const AWAY = [424, 502, 503, 504];

/** The way to the Jupyter server that serves this page, with its base URL, token and XSRF cookie; it answers in the
 * language of the page, not in that of the browser.
 *
 * An answer that takes far too long is taken for lost: where the network went away without a word, as when a laptop is
 * closed, none would ever come. */
export function sendOverHttp(settings: ServerConnection.ISettings, spoken: Spoken): Send {
  const root = URLExt.join(settings.baseUrl, 'modeldeploy', 'api');
  return async request => {
    const { status, text } = await exchange(root, request, settings, spoken);
    const answer = parse(text);
    if (status >= 400) {
      const error = errorFrom(status, answer);
      const away = AWAY.includes(status) && error.code === 'unknown';
      throw away ? unreachable(request, spoken) : error;
    }
    if (answer === undefined) {
      throw new ApiError(status, 'not_json', text.slice(0, 200), '');
    }
    return answer;
  };
}

/** What the server answered. Rejects with an ApiError where nothing came of it. */
async function exchange(
  root: string,
  request: Request,
  settings: ServerConnection.ISettings,
  spoken: Spoken
): Promise<{ status: number; text: string }> {
  const { method, path, body, signal } = request;
  const seconds = request.waitSeconds ?? (reads(request) ? READING_SECONDS : ACTION_SECONDS);
  const lost = AbortSignal.timeout(1000 * (seconds + WAY_SECONDS));
  // With `no-store`, JupyterLab would add a parameter to the query that no operation knows.
  const init: RequestInit = {
    method,
    signal: signal ? AbortSignal.any([signal, lost]) : lost,
    cache: 'no-cache',
    headers: { 'Accept-Language': spoken.language },
    body: body === undefined ? undefined : JSON.stringify(body)
  };
  try {
    const response = await ServerConnection.makeRequest(`${root}/${path}`, init, settings);
    return { status: response.status, text: await response.text() };
  } catch (thrown) {
    if (signal?.aborted) {
      throw thrown;
    }
    throw unreachable(request, spoken);
  }
}

function reads({ method }: Request): boolean {
  return method === 'GET';
}

function unreachable(request: Request, { trans }: Spoken): ApiError {
  const hint = trans.__(
    'It may not have heard this. When it is back, look whether this was done before you try again.'
  );
  return new ApiError(
    0,
    'unreachable',
    trans.__('The server cannot be reached.'),
    reads(request) ? '' : hint
  );
}

/** The JSON value of `text`; undefined where it is none, as for a proxy's error page. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
