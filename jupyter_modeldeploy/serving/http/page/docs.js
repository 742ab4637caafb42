'use strict';
(() => {
  const by = id => document.getElementById(id);
  const data = JSON.parse(by('data').textContent);
  const base = new URL('./', location.href).href.replace(/\/$/, '');
  const text = value => document.createTextNode(value);
  let file = null;

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const model = () => data.models[by('model').selectedIndex];
  const shape = one => `${one.name} ${one.dtype} [${one.shape.join(', ')}]`;

  const fill = select => (values, labels = values) =>
    select.replaceChildren(...values.map((value, index) => element('option', { value }, text(labels[index]))));

  function choose(chosen) {
    file = chosen;
    const preview = by('preview');
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.hidden = !file;
    if (file) {
      preview.src = URL.createObjectURL(file);
      preview.alt = file.name;
    }
  }

  function placed(code) {
    return code.replaceAll(data.address, base).replaceAll(data.address.split('://')[1], base.split('://')[1]);
  }

  function snippet(language, code) {
    const button = element('button', { type: 'button', ariaLabel: `Copy ${language}` }, text('Copy'));
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code);
        button.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(button.closest('.snippet').querySelector('pre'));
        button.textContent = 'Selected';
      }
    });
    button.addEventListener('blur', () => { button.textContent = 'Copy'; });
    const head = element('header', {}, element('h3', {}, text(language)), button);
    return element('div', { className: 'snippet' }, head, element('pre', { tabIndex: 0 }, text(code)));
  }

  function show() {
    const { kind, task, inputs, outputs, versions, example, snippets } = model();
    by('signature').textContent = `${task}: ${inputs.map(shape).join(', ')} → ${outputs.map(shape).join(', ')}`;
    fill(by('version'))(['', ...versions], ['by the traffic’s split', ...versions]);
    for (const one of ['text', 'tensor', 'image']) by(`${one}-input`).hidden = one !== kind;
    if (kind === 'text') by('text').value = example.text;
    if (kind === 'tensor') by('tensor').value = JSON.stringify(example, null, 2);
    const entries = Object.entries(snippets).map(([language, code]) => snippet(language, placed(code)));
    by('snippets').replaceChildren(...entries);
  }

  function request() {
    const { kind } = model();
    if (kind === 'text') return { type: 'application/json', body: JSON.stringify({ text: by('text').value }) };
    if (kind === 'tensor') return { type: 'application/json', body: JSON.stringify(JSON.parse(by('tensor').value)) };
    if (!file) throw new Error('Choose an image first.');
    return { type: file.type || 'application/octet-stream', body: file };
  }

  function tell(words, wrong) {
    by('told').textContent = words;
    by('told').className = wrong ? 'wrong' : '';
  }

  async function ask() {
    const { type, body } = request();
    const headers = { 'Content-Type': type };
    const xsrf = /(?:^|; )_xsrf=([^;]+)/.exec(document.cookie);
    if (xsrf) headers['X-XSRFToken'] = decodeURIComponent(xsrf[1]);
    const version = by('version').value && `/versions/${encodeURIComponent(by('version').value)}`;
    const begun = performance.now();
    const response = await fetch(`${base}/predict/${encodeURIComponent(model().name)}${version}`, { method: 'POST', headers, body });
    const answer = await response.text();
    const took = `${(performance.now() - begun).toFixed(1)} ms`;
    const by_whom = response.headers.get('x-model-version');
    tell([`Status ${response.status}`, took, by_whom && `answered by ${by_whom}`].filter(Boolean).join(' · '), !response.ok);
    try {
      by('answer').textContent = JSON.stringify(JSON.parse(answer), null, 2);
    } catch {
      by('answer').textContent = answer;
    }
  }

  by('try').addEventListener('submit', async event => {
    event.preventDefault();
    const button = by('try').querySelector('button');
    button.disabled = true;
    tell('Asking…');
    try {
      await ask();
    } catch (error) {
      tell(error.message, true);
    } finally {
      button.disabled = false;
    }
  });
  by('image').addEventListener('change', event => choose(event.target.files[0] ?? null));
  const drop = by('drop');
  for (const name of ['dragover', 'dragleave', 'drop']) {
    drop.addEventListener(name, event => {
      event.preventDefault();
      drop.classList.toggle('over', name === 'dragover');
      if (name === 'drop') choose(event.dataTransfer.files[0] ?? null);
    });
  }
  by('model').addEventListener('change', show);

  by('service').textContent = data.service;
  fill(by('model'))(data.models.map(one => one.name));
  show();
})();
