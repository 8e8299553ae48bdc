const element = (id) => document.getElementById(id);
const chat = document.body.dataset.chat === 'true';
let running = null; // what aborts the request that is running

/** Yield the data of server-sent events, without the last, which says that it is over. */
async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (held + value).split('\n\n');
    held = parts.pop();
    for (const part of parts) {
      if (part !== 'data: [DONE]') yield JSON.parse(part.slice('data: '.length));
    }
  }
}

/** Ask for the denoising of a prompt. */
async function requestSteps(prompt, signal) {
  const body = chat ? { messages: [{ role: 'user', content: prompt }] } : { prompt };
  const key = sessionStorage.getItem('key');
  const headers = { 'content-type': 'application/json' };
  if (key) headers.authorization = `Bearer ${key}`;
  const options = { method: 'POST', headers, body: JSON.stringify(body), signal };
  const response = await fetch('/v1/steps', options);
  if (response.status !== 401) return response;
  const given = window.prompt('API key of this server');
  if (!given) return response;
  sessionStorage.setItem('key', given);
  headers.authorization = `Bearer ${given}`;
  return fetch('/v1/steps', options);
}
/** Show what one forward added to the answer. */
function showUpdate(update) {
  if (update.text) {
    const span = document.createElement('span');
    span.textContent = update.text;
    element('text').append(span);
  }
  element('draft').textContent = update.draft;
}

/** Count a forward, and show the numbers so far. */
function showFacts(update, counts) {
  if (update.kind !== 'prefill') counts.forwards += 1;
  counts.revealed += update.revealed;
  const seconds = (performance.now() - counts.began) / 1000;
  const rate = counts.revealed / Math.max(counts.forwards, 1);
  element('facts').textContent =
    `forward ${counts.forwards}: ${update.kind}, ${update.revealed} revealed, ` +
    `${update.ms.toFixed(0)} ms · ${rate.toFixed(2)} tokens per forward · ${seconds.toFixed(1)} s`;
}
/** Denoise a prompt on the page; resolves when it is over. */
async function denoise(prompt, signal) {
  const counts = { began: performance.now(), forwards: 0, revealed: 0 };
  const response = await requestSteps(prompt, signal);
  if (!response.ok) {
    element('facts').textContent = (await response.json()).error.message;
    return;
  }
  for await (const update of readEvents(response)) {
    if (update.error) throw new Error(update.error.message);
    showUpdate(update);
    if (update.kind) showFacts(update, counts);
  }
  element('draft').textContent = '';
}

/** Stop what is running. */
function stop() {
  if (running) running.abort();
}

element('stop').onclick = stop;
document.querySelector('form').onsubmit = async (submitted) => {
  submitted.preventDefault();
  stop();
  running = new AbortController();
  element('text').textContent = '';
  element('draft').textContent = '';
  try {
    await denoise(element('prompt').value, running.signal);
  } catch (error) {
    if (error.name !== 'AbortError') element('facts').textContent = error;
  }
};
