import { loadModel, tensor, type Model } from 'react-native-executorch';

type Prediction = { ids: number[]; confidence: number[] };
type Watch = (sequence: readonly number[]) => void;

/** What is known of an answer: the sequence, where the answer begins, and its limit. */
class Canvas {
  readonly sequence: number[];
  readonly promptEnd: number;
  readonly limit: number;

  constructor(
    prompt: readonly number[],
    maxNew: number,
    private readonly mask: number,
    private readonly eos: ReadonlySet<number>,
  ) {
    this.sequence = [...prompt];
    this.promptEnd = prompt.length;
    this.limit = prompt.length + maxNew;
  }

  masked(position: number): boolean {
    return this.sequence[position] === this.mask;
  }

  /** End of what is final: the first mask, the end of the text, or the limit. */
  settled(): number {
    const known = Math.min(this.limit, this.sequence.length);
    let position = this.promptEnd;
    while (position < known && !this.masked(position) && !this.eos.has(this.sequence[position]!)) {
      position += 1;
    }
    return position;
  }

  stopped(): boolean {
    const position = this.settled();
    return position < Math.min(this.limit, this.sequence.length) && !this.masked(position);
  }

  grow(end: number): void {
    while (this.sequence.length < end) this.sequence.push(this.mask);
  }
}

/**
 * The denoising loop on a file of DiffuLex Edge; token ids in, token ids out. It does not draft: a
 * causal model writes a token a forward, and a file with a draft head is refused.
 */
export class Diffusion {
  private readonly model: Model;
  private readonly rows: number;
  private readonly maxTokens: number;
  private readonly block: number;
  private readonly mask: number;
  private readonly shift: number;
  private readonly eos: ReadonlySet<number>;

  constructor(path: string) {
    this.model = loadModel(path);
    if (this.fact('get_contract_version') !== 1) throw new Error('export the model again');
    if (this.has('get_draft_head')) {
      throw new Error(
        'the file has a draft head and this loop does not draft: ' +
          'export the model without it (smollm2-masks in place of smollm2)',
      );
    }
    this.rows = this.fact('get_max_seq_len');
    this.maxTokens = this.fact('get_prefill_chunk_size');
    this.block = this.fact('get_block_length');
    this.mask = this.fact('get_mask_token_id');
    this.shift = this.fact('get_logits_shift');
    this.eos = new Set(this.facts('get_eos_ids'));
  }

  private facts(name: string): number[] {
    return this.model.execute(name, [], []).map(Number);
  }

  private has(name: string): boolean {
    try {
      return this.model.execute(name, [], []).length > 0;
    } catch {
      return false;
    }
  }

  private fact(name: string): number {
    const [value] = this.facts(name);
    if (value === undefined) throw new Error(`the file has no ${name}; export it again`);
    return value;
  }

  /** Tokens [start, end) into their cache rows, attention to rows 0 to end. */
  private step(sequence: readonly number[], start: number, end: number): Prediction {
    const count = end - start;
    const tokens = BigInt64Array.from(sequence.slice(start, end), BigInt);
    const inputs = [
      tensor('int64', [1, count], tokens),
      tensor('int64', [1], BigInt64Array.of(BigInt(start))),
      tensor('int64', [1], BigInt64Array.of(BigInt(end))),
    ];
    const ids = tensor('int64', [count]);
    const confidence = tensor('float32', [count]);
    try {
      this.model.execute('forward', inputs, [ids, confidence]);
      return {
        ids: Array.from(ids.getData(new BigInt64Array(count)), Number),
        confidence: Array.from(confidence.getData(new Float32Array(count))),
      };
    } finally {
      for (const each of [...inputs, ids, confidence]) each.dispose();
    }
  }

  /** Of a shifted model: the last row of a clean stretch says what stands behind it. */
  private nameNext(canvas: Canvas, position: number, prediction: Prediction): void {
    if (this.shift === 0 || position < canvas.promptEnd || position >= canvas.limit) return;
    if (position < canvas.sequence.length && !canvas.masked(position)) return;
    canvas.grow(position + 1);
    canvas.sequence[position] = prediction.ids[prediction.ids.length - 1]!;
  }

  /** Return the answer; `onStep` sees the sequence after every step. Blocks its thread. */
  generate(
    prompt: readonly number[],
    maxNew: number,
    threshold = 0.9,
    onStep: Watch = () => {},
  ): number[] {
    const canvas = new Canvas(prompt, maxNew, this.mask, this.eos);
    const causal = this.block > 0;
    const size = causal ? this.block : 32;
    const first = causal ? Math.floor(prompt.length / size) * size : prompt.length;
    const end = causal ? Math.ceil(canvas.limit / size) * size : canvas.limit;
    if (end > this.rows) {
      throw new Error(`prompt and answer need ${end} rows of KV cache, the file has ${this.rows}`);
    }
    if (causal) this.prefill(canvas, first, size);
    for (let start = first; start < end && !canvas.stopped(); start += size) {
      const stop = Math.min(start + size, end);
      canvas.grow(causal ? stop : end);
      this.denoise(canvas, start, stop, causal ? start : 0, threshold, onStep);
      if (causal && stop < end && !canvas.stopped()) {
        // commit: clean keys and values
        this.nameNext(canvas, stop, this.step(canvas.sequence, start, stop));
      }
    }
    return canvas.sequence.slice(prompt.length, canvas.settled());
  }

  /** Write whole blocks of the prompt into the cache. */
  private prefill(canvas: Canvas, first: number, size: number): void {
    const chunk = Math.max(1, Math.floor(this.maxTokens / size)) * size;
    for (let start = 0; start < first; start += chunk) {
      const stop = Math.min(start + chunk, first);
      const prediction = this.step(canvas.sequence, start, stop);
      if (stop === first) this.nameNext(canvas, first, prediction);
    }
  }

  /** Reveal the masks of [start, stop) with steps over everything from row `from`. */
  private denoise(
    canvas: Canvas,
    start: number,
    stop: number,
    from: number,
    threshold: number,
    onStep: Watch,
  ): void {
    const places = Array.from({ length: stop - start }, (_, index) => start + index);
    const row = (position: number) => Math.max(position - this.shift - from, 0);
    while (!canvas.stopped()) {
      const open = places.filter((place) => place < canvas.limit && canvas.masked(place));
      if (open.length === 0) return;
      const { ids, confidence } = this.step(canvas.sequence, from, canvas.sequence.length);
      const sure = (position: number) => confidence[row(position)]!;
      const best = open.reduce((one, other) => (sure(other) > sure(one) ? other : one));
      for (const place of open) {
        if (place === best || sure(place) >= threshold) {
          canvas.sequence[place] = ids[row(place)]!;
        }
      }
      onStep(canvas.sequence);
    }
  }
}
