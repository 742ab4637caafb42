import type { Request, Send } from '../core/client';
import { ApiError, errorFrom } from '../core/errors';
import type { Spoken } from '../core/translation';

/** How long a kernel at rest may take to say that it has heard a question. */
const HEARD_MS = 1500;
/** What is not heard within twice this is not asked again: the kernel computes. */
const MOST_PATIENCE_MS = 20_000;
/** A question that only reads and has no answer after so long, which is longer than any may wait for a change, is lost: the
 * network was away when its answer came. */
const LOST_MS = 45_000;
/** Larger messages than this are dropped on the way to a kernel without a word. */
const MOST_CHARACTERS = 9_000_000;

/** What the channel needs of a widget's model. */
export interface Comm {
  send(message: Question | { kind: 'forget'; rid: string }): void;
  on(event: 'msg:custom', listener: (message: Told) => void): void;
  on(event: 'comm_live_update' | 'comm:close', listener: () => void): void;
  off(event: null, listener: null): void;
}

interface Question {
  kind: 'ask';
  rid: string;
  method: string;
  path: string;
  /** JSON, as it would be sent over HTTP. */
  body: string;
  /** To be answered in. */
  language: string;
}

type Told =
  { kind: 'heard'; rid: string } | { kind: 'answer'; rid: string; status: number; body: string };

interface Asked {
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
  /** May be asked again without doing anything twice. */
  reads: boolean;
  /** Runs until the kernel says that it has heard, then until a question that only reads is taken for lost. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** `busy`: a cell computes and the kernel hears nothing meanwhile; `gone`: it was restarted or shut down. */
export type KernelState = 'ready' | 'busy' | 'gone';

/** The way to a kernel over its widget's comm. A question that was sent stays asked while the kernel is busy, since it
 * cannot be taken back; that the kernel is busy is told beside it. */
export class Channel {
  constructor(
    private readonly _comm: Comm,
    private readonly _spoken: Spoken
  ) {
    _comm.on('msg:custom', this._hear);
    _comm.on('comm_live_update', this._lose);
    _comm.on('comm:close', this._lose);
  }

  readonly snapshot = (): KernelState => {
    if (this._gone) {
      return 'gone';
    }
    return this._late.size > 0 ? 'busy' : 'ready';
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  };

  readonly send: Send = ({ method, path, body, signal }: Request) => {
    const { trans, language } = this._spoken;
    if (this._gone) {
      return Promise.reject(this._goneError());
    }
    const text = body === undefined ? '' : JSON.stringify(body);
    if (text.length > MOST_CHARACTERS) {
      const message = trans.__(
        'This is too large for a panel in a notebook: %1 MB.',
        megabytes(text)
      );
      const hint = trans.__('At most %1 MB. Use the sidebar.', MOST_CHARACTERS / 1e6);
      return Promise.reject(new ApiError(413, 'too_large', message, hint));
    }
    const rid = `${this._prefix}-${++this._count}`;
    return new Promise((resolve, reject) => {
      this._asked.set(rid, { resolve, reject, timer: undefined, reads: method === 'GET' });
      signal?.addEventListener('abort', () => {
        this._forget(rid, signal.reason);
      });
      this._ask({ kind: 'ask', rid, method, path, body: text, language }, HEARD_MS);
    });
  };

  /** Forget what was asked and hear no more. */
  dispose(): void {
    this._comm.off(null, null);
    for (const rid of [...this._asked.keys()]) {
      this._forget(rid, new DOMException('The panel was closed.', 'AbortError'));
    }
    this._listeners.clear();
  }

  /** JupyterLab opens its way past the cell that computes (a subshell of the kernel) after the comm: what was asked before
   * that stands waits behind the cell. So what only reads is asked again, less and less often. */
  private _ask(question: Question, patience: number): void {
    const asked = this._asked.get(question.rid);
    if (!asked) {
      return;
    }
    this._comm.send(question);
    asked.timer = setTimeout(() => {
      this._late.add(question.rid);
      this._tell();
      if (asked.reads && patience < MOST_PATIENCE_MS) {
        this._ask(question, 2 * patience);
      }
    }, patience);
  }

  private readonly _hear = (told: Told): void => {
    const asked = this._asked.get(told.rid);
    if (!asked) {
      return; // another view of the same panel asked, or it was forgotten
    }
    clearTimeout(asked.timer);
    if (this._late.delete(told.rid)) {
      this._tell();
    }
    if (told.kind === 'heard') {
      asked.timer = asked.reads ? this._expect(told.rid) : undefined;
    } else {
      this._asked.delete(told.rid);
      const body = JSON.parse(told.body) as unknown;
      if (told.status < 400) {
        asked.resolve(body);
      } else {
        asked.reject(errorFrom(told.status, body));
      }
    }
  };

  private readonly _lose = (): void => {
    this._gone = true;
    for (const { timer, reject } of this._asked.values()) {
      clearTimeout(timer);
      reject(this._goneError());
    }
    this._asked.clear();
    this._late.clear();
    this._tell();
  };

  private _expect(rid: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const message = this._spoken.trans.__('The answer of the kernel was lost.');
      this._forget(rid, new ApiError(0, 'unreachable', message, ''));
    }, LOST_MS);
  }

  private _forget(rid: string, reason: unknown): void {
    const asked = this._asked.get(rid);
    if (asked) {
      clearTimeout(asked.timer);
      this._asked.delete(rid);
      asked.reject(reason);
      if (!this._gone) {
        this._comm.send({ kind: 'forget', rid });
      }
      if (this._late.delete(rid)) {
        this._tell();
      }
    }
  }

  private _goneError(): ApiError {
    const message = this._spoken.trans.__('The kernel of this panel has ended.');
    return new ApiError(0, 'unreachable', message, this._spoken.trans.__('Run its cell again.'));
  }

  private _tell(): void {
    this._listeners.forEach(listener => {
      listener();
    });
  }

  private _gone = false;
  private _count = 0;
  /** All views of a panel hear all answers, so each asks under names of its own. */
  private readonly _prefix = crypto.getRandomValues(new Uint32Array(2)).join('');
  private readonly _asked = new Map<string, Asked>();
  private readonly _late = new Set<string>();
  private readonly _listeners = new Set<() => void>();
}

function megabytes(text: string): string {
  return (text.length / 1e6).toFixed(1);
}
