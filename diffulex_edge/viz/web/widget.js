import { element } from './dom.js';
import { Editor } from './editor.js';
import { Player } from './player.js';

/** The input of one field: a choice, a text, or a number. */
function inputOf(field) {
  if (field.options) {
    const options = field.options.map((name) => element('option', { value: name }, name));
    return element('select', {}, ...options);
  }
  if (field.name === 'prompt') return element('textarea', { rows: 2 });
  const { type = 'number', step = 'any', placeholder = '', min, max } = field;
  return element('input', { type, step, min, max, placeholder });
}

/** A form; `onrun(values)` gets the text of every field by name. Ctrl+Enter in the prompt runs. */
function settingsForm(fields, onrun) {
  const box = element('form', {
    class: 'dx-form',
    'aria-label': 'generation settings',
    'data-lm-suppress-shortcuts': 'true',
    onsubmit: (event) => {
      event.preventDefault();
      onrun(Object.fromEntries(new FormData(box)));
    },
    onkeydown: (event) => {
      const run = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
      if (!run || event.target.name !== 'prompt') return;
      event.preventDefault();
      event.stopPropagation();
      box.requestSubmit();
    },
  });
  const summary = element('summary', {}, 'settings');
  const rest = element('div', { class: 'dx-settings' });
  const folded = element('details', { class: 'wide' }, summary, rest);
  for (const field of fields) {
    const input = inputOf(field);
    input.name = field.name;
    input.value = field.value ?? '';
    const className = field.name === 'prompt' ? 'wide' : field.options ? 'pick' : '';
    const place = field.name === 'prompt' ? box : rest;
    place.append(element('label', { class: className }, field.label || field.name, input));
  }
  box.append(folded);
  return box;
}

class ExplorerView {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.place = element('div');
    this.status = element('span', { class: 'dx-status', role: 'status' });
    const onstop = () => model.send({ stop: true });
    this.stop = element('button', { type: 'button', class: 'dx-stop', onclick: onstop }, 'stop');
    this.form = this.buildForm();
    root.replaceChildren(element('div', { class: 'dx' }, this.form), this.place);
    this.listeners = {
      'change:films': () => this.buildPlayer(),
      'change:status': () => this.showStatus(),
      'change:step': () => this.moveToStep(),
      'msg:custom': (message) => this.receive(message),
    };
    for (const [event, listener] of Object.entries(this.listeners)) model.on(event, listener);
    this.buildPlayer();
    this.showStatus();
  }

  destroy() {
    this.player.destroy();
    for (const [event, listener] of Object.entries(this.listeners)) this.model.off(event, listener);
  }

  buildForm() {
    const { form } = this.model.get('options');
    if (!form) return null;
    const box = settingsForm(form, (values) => this.model.send({ run: values }));
    const go = element('button', { type: 'submit', class: 'dx-go' }, 'generate');
    const bar = element('div', { class: 'dx-bar wide' }, go, this.stop, this.status);
    box.insertBefore(bar, box.lastChild); // above the settings
    return box;
  }

  buildPlayer() {
    const { form, sync, diff, colour } = this.model.get('options');
    const live = Boolean(form);
    const editable = live && this.model.get('options').editable !== false;
    const options = { sync, diff, colour: this.player?.colour ?? colour };
    options.at = live ? undefined : this.model.get('step');
    const onedit = (edit) => this.model.send({ edit });
    options.editor = editable ? (player) => new Editor(player, onedit) : undefined;
    options.onstep = (step) => this.report(step);
    this.player?.destroy();
    this.player = new Player(this.place, this.model.get('films'), options);
    this.root.film = this.player; // for a reader at the console
  }

  get running() {
    return this.model.get('status').startsWith('running');
  }

  report(step) {
    if (this.running) return;
    this.model.set('step', step);
    this.model.save_changes();
  }

  moveToStep() {
    const step = this.model.get('step');
    if (this.player.playing || this.running || this.player.step === step) return;
    this.player.jump(this.player.reels[0], step, true);
  }

  showStatus() {
    const status = this.model.get('status');
    this.status.textContent = status;
    this.status.classList.toggle('bad', status.startsWith('failed'));
    this.stop.disabled = !this.running;
  }

  receive(message) {
    if (message.add) this.player.add(0, message.add, message.words);
    if (message.done) this.player.done(0, message.kept);
  }
}

export default {
  initialize({ model }) {
    model.on('msg:custom', (message) => {
      const film = model.get('films')[0];
      if (message.add) {
        film.steps.push(message.add);
        Object.assign(film.words, message.words);
      }
      if (message.done) film.kept = message.kept;
    });
  },

  render({ model, el }) {
    const view = new ExplorerView(model, el);
    return () => view.destroy();
  },
};
