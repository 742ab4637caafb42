import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Send } from '../core/client';
import { ApiError, errorFrom } from '../core/errors';

/** The way to the Jupyter server that serves this page, with its base URL, token and XSRF cookie. */
export function sendOverHttp(settings: ServerConnection.ISettings): Send {
  const root = URLExt.join(settings.baseUrl, 'modeldeploy', 'api');
  return async ({ method, path, body, signal }) => {
    // With `no-store`, JupyterLab would add a parameter to the query that no operation knows.
    const init: RequestInit = {
      method,
      signal,
      cache: 'no-cache',
      body: body === undefined ? undefined : JSON.stringify(body)
    };
    const response = await ServerConnection.makeRequest(`${root}/${path}`, init, settings);
    const text = await response.text();
    const answer = parse(text);
    if (!response.ok) {
      throw errorFrom(response.status, answer);
    }
    if (answer === undefined) {
      throw new ApiError(response.status, 'not_json', text.slice(0, 200), '');
    }
    return answer;
  };
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
