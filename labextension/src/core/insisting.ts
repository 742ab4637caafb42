import { asApiError } from './errors';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** How long to wait before the next try, ever longer from try to try until one goes well. */
export class Patience {
  /** Resolves when it is time, which it is at once when `signal` aborts, and also when the network is back or the window
   * comes to the front: then the way to the server may be open again. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this._next;
    this._next = Math.min(2 * ms, LONGEST_RETRY_MS);
    await pause(ms, signal);
  }

  wentWell(): void {
    this._next = FIRST_RETRY_MS;
  }

  private _next = FIRST_RETRY_MS;
}

/** The answer to a question that does nothing but read: it is asked again for as long as the server cannot be reached.
 * Rejects with what the server finds wrong with it, and when `signal` aborts. */
export async function insist<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const patience = new Patience();
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (signal.aborted || asApiError(thrown).code !== 'unreachable') {
        throw thrown;
      }
      await patience.wait(signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const over = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const heard = { signal: over.signal };
    signal.addEventListener('abort', end, heard);
    window.addEventListener('online', end, heard);
    document.addEventListener(
      'visibilitychange',
      () => {
        if (!document.hidden) {
          end();
        }
      },
      heard
    );
  });
}
