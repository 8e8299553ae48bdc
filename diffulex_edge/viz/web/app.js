import { element } from './dom.js';
import { Player } from './player.js';

const byId = (id) => document.getElementById(id);
const chat = document.body.dataset.chat === 'true';

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

/** Ask for the film of an answer. */
async function requestFilm(body, signal) {
  const headers = { 'content-type': 'application/json' };
  const key = sessionStorage.getItem('key');
  if (key) headers.authorization = `Bearer ${key}`;
  const options = { method: 'POST', headers, body: JSON.stringify(body), signal };
  const response = await fetch('/v1/steps?film', options);
  if (response.status !== 401) return response;
  const given = window.prompt('API key of this server');
  if (!given) return response;
  sessionStorage.setItem('key', given);
  headers.authorization = `Bearer ${given}`;
  return fetch('/v1/steps?film', options);
}

/** The body of a request: the prompt, and the settings that are filled in. */
function requestBody(form) {
  const { prompt, system, ...numbers } = Object.fromEntries(new FormData(form));
  const turns = [{ role: 'user', content: prompt }];
  if (system.trim()) turns.unshift({ role: 'system', content: system });
  const filled = Object.entries(numbers).filter(([, text]) => text.trim());
  const settings = Object.fromEntries(filled.map(([name, text]) => [name, Number(text)]));
  return chat ? { messages: turns, ...settings } : { prompt, ...settings };
}

class App {
  constructor() {
    this.form = byId('form');
    this.running = null; // what aborts the request that is running
    byId('stop').onclick = () => this.stop();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.run(this.form.elements.prompt.value);
    };
    document.onkeydown = (event) => this.onkey(event);
  }

  say(text, bad = false) {
    byId('status').textContent = text;
    byId('status').classList.toggle('bad', bad);
  }

  show(film, entry) {
    this.player?.destroy();
    this.player = new Player(byId('film'), [film], { answer: true });
    for (const other of byId('history').querySelectorAll('button')) {
      other.setAttribute('aria-current', other === entry);
    }
  }

  remember(prompt, film) {
    const entry = element('button', { type: 'button' }, prompt.slice(0, 60));
    entry.onclick = () => this.show(film, entry);
    byId('history').prepend(element('li', {}, entry));
    document.querySelector('nav').hidden = false;
    this.show(film, entry);
  }

  stop() {
    this.running?.abort();
  }

  onkey(event) {
    const { target, key, shiftKey, isComposing } = event;
    const typing = ['TEXTAREA', 'INPUT', 'SELECT'].includes(target.tagName);
    if (key === 'Enter' && target.name === 'prompt' && !shiftKey && !isComposing) {
      this.form.requestSubmit();
    } else if (key === 'Escape') {
      if (this.running) this.stop();
      else this.player?.view.focus();
    } else if (key === '/' && !typing) {
      this.form.elements.prompt.focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Ask, and show what comes; resolves when it is over. */
  async run(prompt) {
    this.stop();
    const mine = new AbortController();
    this.running = mine;
    byId('stop').disabled = false;
    this.say('reading the prompt …');
    try {
      await this.follow(prompt, requestBody(this.form), mine.signal);
    } catch (error) {
      if (error.name !== 'AbortError') this.say(error.message, true);
      else if (this.running === mine) this.say('stopped');
    }
    if (this.running !== mine) return; // another one has begun
    this.running = null;
    byId('stop').disabled = true;
  }

  async follow(prompt, body, signal) {
    const response = await requestFilm(body, signal);
    if (!response.ok) throw new Error((await response.json()).error.message);
    let film = null;
    for await (const update of readEvents(response)) {
      if (update.error) throw new Error(update.error.message);
      if (update.film) {
        film = update.film;
        this.remember(prompt, film);
        this.say('writing …');
      } else if (update.forward) {
        film.steps.push(update.forward);
        this.player.add(0, update.forward, update.words);
      } else if (update.kept != null) {
        this.player.done(0, update.kept);
        const count = film.steps.filter((step) => step.kind !== 'prefill').length;
        const tokens = `${update.kept} token${update.kept === 1 ? '' : 's'}`;
        this.say(`${tokens} in ${count} forward${count === 1 ? '' : 's'}`);
      }
    }
  }
}

new App();
