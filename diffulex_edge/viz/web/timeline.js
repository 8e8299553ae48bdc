const CLOSE = 1e-6; // milliseconds that count as none

/** Where one or two reels stand: at a step, or, when they run by time, at a millisecond. */
export class Timeline {
  constructor(reels, mode, step) {
    this.reels = reels;
    this.mode = mode; // 'step' or 'time'
    this.value = step == null ? this.end : this.valueOfStep(reels[0], step);
  }

  get byTime() {
    return this.mode === 'time';
  }

  get steps() {
    return Math.max(...this.reels.map((reel) => reel.count));
  }

  get duration() {
    return Math.max(...this.reels.map((reel) => reel.duration));
  }

  get end() {
    return this.byTime ? this.duration : this.steps;
  }

  get atEnd() {
    return this.value >= this.end;
  }

  stepOf(reel) {
    return this.byTime ? reel.stepAt(this.value) : Math.min(Math.round(this.value), reel.count);
  }

  valueOfStep(reel, step) {
    const inside = Math.min(Math.max(step, 0), reel.count);
    return this.byTime ? reel.time[inside] : inside;
  }

  shareOf(reel, step) {
    const whole = this.byTime ? Math.max(this.duration, CLOSE) : Math.max(this.steps, 1);
    return this.valueOfStep(reel, step) / whole;
  }

  go(value) {
    this.value = Math.min(Math.max(value, 0), this.end);
  }

  move(direction) {
    if (!this.byTime) return this.go(Math.round(this.value) + direction);
    const times = this.reels.flatMap((reel) => reel.time).sort((a, b) => a - b);
    const later = () => times.find((time) => time > this.value + CLOSE) ?? this.end;
    const earlier = () => times.findLast((time) => time < this.value - CLOSE) ?? 0;
    this.go(direction > 0 ? later() : earlier());
  }

  /** Run by step or by time from here on; the first film stays where it is. */
  switchTo(mode) {
    const step = this.stepOf(this.reels[0]);
    this.mode = mode;
    this.go(this.valueOfStep(this.reels[0], step));
  }

  toString() {
    const { value } = this;
    return this.byTime ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value)} / ${this.end}`;
  }

  /** The same for those who listen. */
  spoken() {
    return this.byTime ? `${this}` : `step ${Math.round(this.value)} of ${this.end}`;
  }
}
