// What a slow and busy server looks like from within a page: every answer of the API comes late, by a time drawn anew for
// each, so that a later question may be answered first; what kernels say comes late, too, but in its order.
const unsettle = seed => {
  const LONGEST_MS = { answer: 1500, message: 120 };
  const QUICK_SHARE = 0.3; // come at once, as most do for others

  let state = seed;
  const drawn = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const late = longest => (drawn() < QUICK_SHARE ? 0 : drawn() * longest);

  const pause = (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });

  const ask = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    const { url, signal } = asked[0] instanceof Request ? asked[0] : new Request(...asked);
    if (url.includes('/modeldeploy/api/')) {
      await pause(late(LONGEST_MS.answer), signal);
    }
    return answer;
  };

  const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
  Object.defineProperty(WebSocket.prototype, 'onmessage', {
    set(hear) {
      let before = Promise.resolve();
      const hearLate = message => {
        const due = performance.now() + late(LONGEST_MS.message);
        before = before
          .then(() => pause(due - performance.now()))
          .then(() => hear.call(this, message))
          .catch(reportError);
      };
      set.call(this, hear && hearLate);
    }
  });
};
