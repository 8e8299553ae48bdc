/** The last entry `[step, …]` of a sorted list whose step is not after `step`; null if none is. */
export function latest(entries, step) {
  if (!entries) return null;
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle][0] <= step) low = middle + 1;
    else high = middle;
  }
  return low ? entries[low - 1] : null;
}

/** The pairs of a flat list: a film writes `[position, value, position, value, …]`. */
export function* pairs(flat = []) {
  for (let i = 0; i < flat.length; i += 2) {
    yield [flat[i], flat[i + 1]];
  }
}

function append(lists, position, entry) {
  if (!lists[position]) lists[position] = [];
  lists[position].push(entry);
}

/** A film that can be asked what stands at a position after a step. Lists are by position. */
export class Reel {
  constructor(film) {
    this.film = film;
    this.steps = [];
    this.time = [0]; // milliseconds up to the end of each step
    this.fresh = [new Set()]; // positions that each step revealed
    this.given = new Set(); // positions known without being revealed
    this.history = []; // [step, id] of every change
    this.revealed = []; // [step] of every reveal
    this.revisions = []; // [step, the id before] of every change of mind
    this.confidence = []; // [step, 0 … 1]
    this.entropy = []; // [step, nats]
    this.candidates = []; // [step, [[id, probability], …]]
    film.start.forEach((id, position) => {
      this.history[position] = [[0, id]];
      if (position < film.prompt || id !== film.mask) this.given.add(position);
    });
    for (const step of film.steps) this.add(step);
  }

  get count() {
    return this.steps.length;
  }

  /** How many positions there are at the end. */
  get size() {
    return this.history.length;
  }

  get duration() {
    return this.time[this.count];
  }

  add(step) {
    const number = this.steps.push(step);
    this.time.push(this.time[number - 1] + step.ms);
    this.fresh.push(new Set(step.new));
    for (const position of step.given ?? []) this.given.add(position);
    for (const [position, id] of pairs(step.set)) this.change(position, id, number);
    for (const position of this.fresh[number]) append(this.revealed, position, [number]);
    for (const [position, perMille] of pairs(step.conf)) {
      append(this.confidence, position, [number, perMille / 1000]);
    }
    for (const [position, hundredths] of pairs(step.ent)) {
      append(this.entropy, position, [number, hundredths / 100]);
    }
    for (const [position, flat] of Object.entries(step.cand ?? {})) {
      const candidates = [...pairs(flat)].map(([id, perMille]) => [id, perMille / 1000]);
      append(this.candidates, position, [number, candidates]);
    }
  }

  change(position, id, number) {
    const { mask } = this.film;
    const before = latest(this.history[position], number)?.[1] ?? mask;
    const revised = before !== mask && before !== id && !this.given.has(position);
    if (revised) append(this.revisions, position, [number, before]);
    append(this.history, position, [number, id]);
  }

  /** What is at a position after a step; null where nothing is yet. */
  look(position, step) {
    const entry = latest(this.history[position], step);
    if (!entry) return null;
    const id = entry[1];
    const masked = id === this.film.mask;
    const revealed = masked ? null : (latest(this.revealed[position], step)?.[0] ?? null);
    const measured = revealed ?? step;
    return {
      id,
      state: masked ? 'mask' : this.stateOfToken(position, step),
      revealed,
      confidence: latest(this.confidence[position], measured)?.[1],
      entropy: latest(this.entropy[position], measured)?.[1],
      revisions: (this.revisions[position] ?? []).filter((revision) => revision[0] <= step).length,
      dropped: this.isDropped(position, step),
    };
  }

  stateOfToken(position, step) {
    if (this.given.has(position)) return 'given';
    return this.fresh[step]?.has(position) ? 'new' : 'done';
  }

  /** Whether a token of the last step is not part of the answer (it stands after its end). */
  isDropped(position, step) {
    const { kept, prompt, grid } = this.film;
    if (step !== this.count || kept == null || grid) return false;
    const infilling = this.given.size !== prompt;
    return !infilling && position >= prompt + kept;
  }

  /** The step on display at a time: the last one that had ended. */
  stepAt(milliseconds) {
    let step = 0;
    while (step < this.count && this.time[step + 1] <= milliseconds + 1e-6) step++;
    return step;
  }

  word(id) {
    return this.film.words[id] ?? ` ${id}`;
  }

  spoken(id) {
    return this.word(id).replace('↵', ' line break ').trim() || 'blank';
  }

  describe(position, step) {
    const token = this.look(position, step);
    if (!token) return `position ${position}: not there yet`;
    const masked = token.state === 'mask';
    const parts = [masked ? 'mask' : this.spoken(token.id), `position ${position}`];
    if (masked) parts.push('masked');
    else if (token.state !== 'given') parts.push(`revealed in step ${token.revealed}`);
    else parts.push(position < this.film.prompt ? 'prompt' : 'given');
    if (token.confidence != null && token.state !== 'given') {
      parts.push(`${masked ? 'best guess' : 'confidence'} ${token.confidence.toFixed(2)}`);
    }
    if (token.revisions) {
      parts.push(`revised ${token.revisions} time${token.revisions > 1 ? 's' : ''}`);
    }
    if (token.dropped) parts.push('not part of the answer');
    return parts.join(', ');
  }

  /** What a step did, as one would say it; of many new words only the first twelve. */
  tell(number) {
    if (!number) return `start, ${this.count} steps`;
    const step = this.steps[number - 1];
    const positions = step.new ?? [];
    const named = positions.slice(0, 12);
    const idOf = (position) => latest(this.history[position], number)[1];
    const words = named.map((position) => this.spoken(idOf(position))).join(', ');
    const rest = positions.length - named.length;
    const more = rest ? ` and ${rest} more` : '';
    const parts = [`step ${number} of ${this.count}`, step.kind];
    parts.push(words ? `revealed: ${words}${more}` : 'nothing revealed');
    if (step.back?.length) parts.push(`${step.back.length} taken back`);
    return parts.join(', ');
  }
}
