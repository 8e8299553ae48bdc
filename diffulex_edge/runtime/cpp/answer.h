// An answer being written: blocks, the masks that a step reveals, what is final.
#pragma once
#include <functional>
#include <set>
#include <tuple>
#include "controller.h"
#include "model.h"
#include "sampler.h"

constexpr int64_t automatic = -1;  // as many drafts as pay

struct Settings {
  int64_t max_new_tokens = 128;
  int64_t iterations = 0;  // steps per block; 0: as many as needed
  int64_t block_size = 0;  // 0: the model's block, or 32
  int64_t cached = 0;      // 1: blocks of a bidirectional model one by one, from the prompt's end
  int64_t threads = 0;     // 0: ExecuTorch's choice
  int64_t verify = 1;      // compare the file with its checksum; a second per gigabyte or less
  int64_t drafts = 0;      // masks behind every token, or drafts of a head, see drafts.h
  int64_t lookup = 0;      // drafts: what followed the last so many tokens before; 0: none
  double threshold = 0.9;  // reveal what is at least this sure; above 1: the best or the quota only
  Sampler sampler;         // of tokens, where its temperature is above 0
  Costs costs;             // of forwards, measured once, for automatic drafts
};

// One answer being written: the prompt, then tokens and masks.
struct Answer {
  Model& model;
  Settings& settings;  // its sampler moves on, its costs are corrected
  Ids sequence;
  int64_t prompt_end, limit;  // the answer is between them
  int64_t rule = 0;  // of the block in work
  int64_t reused = 0;  // tokens of the prompt that the cache held
  std::function<bool(const Ids&)> seen;  // given the final tokens, says whether they are enough
  bool enough = false;

  Answer(Model& model, Settings& settings, const Ids& prompt)
      : model(model), settings(settings), sequence(prompt), prompt_end(prompt.size()),
        limit(prompt_end + settings.max_new_tokens) {
    for (auto token : prompt)
      if (token < 0 || token >= model.vocab || token == model.mask)
        fail("the prompt holds " + std::to_string(token) +
             ", which is the mask or no token of this model");
  }

  int64_t length() const { return sequence.size(); }
  bool masked(int64_t position) const { return sequence[position] == model.mask; }
  bool ends(int64_t token) const {
    return std::find(model.eos.begin(), model.eos.end(), token) != model.eos.end();
  }

  // End of what is final: the first mask, the end of the text or the limit.
  int64_t settled() const {
    int64_t position = prompt_end;
    const int64_t end = std::min(limit, length());
    while (position < end && !masked(position) && !ends(sequence[position])) ++position;
    return position;
  }

  Ids tokens() const { return Ids(sequence.begin() + prompt_end, sequence.begin() + settled()); }

  // Show what is final so far.
  void show() {
    if (seen && !enough) enough = seen(tokens());
  }

  bool stopped() const {
    const int64_t position = settled();
    return enough || (position < std::min(limit, length()) && !masked(position));
  }

  // A step, of which these rows are used.
  Prediction predict(int64_t start, int64_t end, int64_t rule, const std::set<int64_t>& rows) {
    const bool draws = settings.sampler.temperature > 0 && !rows.empty();
    Prediction prediction = model.step(sequence, start, end, rule, draws);
    for (int64_t row : rows) draw(prediction, row);
    return prediction;
  }

  // Draw the token of a row, where there is a temperature.
  void draw(Prediction& prediction, int64_t row) {
    if (settings.sampler.temperature > 0)
      std::tie(prediction.ids[row], prediction.confidence[row]) = settings.sampler.draw(
          &prediction.logits[row * model.vocab], model.vocab, model.mask);
  }

  Ids masks(int64_t start, int64_t end) const {
    Ids open;
    for (int64_t position = start; position < std::min(end, limit); ++position)
      if (masked(position)) open.push_back(position);
    return open;
  }

  // Fill the masks of positions start … end, with steps on positions from … to.
  void denoise(int64_t start, int64_t end, int64_t from, int64_t to) {
    int64_t steps_left = settings.iterations;
    while (!stopped()) {
      const Ids open = masks(start, end);
      if (open.empty()) return;
      std::set<int64_t> rows;
      for (int64_t position : open) rows.insert(row(position, from));
      const Prediction prediction = predict(from, to, rule, rows);
      int64_t quota = 1;
      if (settings.iterations > 0) quota = (int64_t(open.size()) + steps_left - 1) / steps_left;
      if (steps_left > 1) --steps_left;
      reveal(open, prediction, from, quota);
      show();
    }
  }

  // The row that predicts a position, in a step on positions from `from`.
  int64_t row(int64_t position, int64_t from) const {
    return std::max<int64_t>(position - model.shift - from, 0);
  }

  // Write the tokens of the surest positions: `quota` of them, and all above the threshold.
  void reveal(Ids open, const Prediction& prediction, int64_t from, int64_t quota) {
    auto sure = [&](int64_t position) { return prediction.confidence[row(position, from)]; };
    std::stable_sort(open.begin(), open.end(),
                     [&](int64_t one, int64_t other) { return sure(one) > sure(other); });
    for (int64_t rank = 0; rank < int64_t(open.size()); ++rank)
      if (rank < quota || sure(open[rank]) >= float(settings.threshold))
        sequence[open[rank]] = prediction.ids[row(open[rank], from)];
  }

  // A shifted model, or one that reads text causally: the last row of a clean stretch says what
  // stands at the position after it.
  bool names(int64_t position) const {
    const bool known = position < length() && !masked(position);
    const bool named = model.shift || model.causal_text;
    return named && position >= prompt_end && position < limit && !known;
  }

  // Run final tokens, whose rows stay in the cache.
  void store(int64_t start, int64_t end, int64_t rule) {
    const bool last = names(end);
    const auto rows = last ? std::set<int64_t>{end - start - 1} : std::set<int64_t>{};
    const Prediction prediction = predict(start, end, rule, rows);
    if (!last) return;
    if (end == length()) sequence.push_back(model.mask);
    sequence[end] = prediction.ids.back();
    show();
  }

  // Read whole blocks of the prompt into the cache, up to `end`, behind those that it holds.
  void prefill(int64_t end, int64_t size, int64_t rule) {
    // without a mask rule in the graph a chunk is one block, and the first one may be short
    const int64_t unit = rule ? rule : size;
    const int64_t blocks = rule ? std::max<int64_t>(1, model.max_tokens / unit) : 1;
    const int64_t chunk = blocks * unit;
    const int64_t before = rule ? 0 : (chunk - end % chunk) % chunk;
    reused = std::min(model.held(sequence, rule), end);
    if (reused == prompt_end && names(end)) reused = std::max<int64_t>(0, reused - rule);
    for (int64_t start = reused - before; start < end; start += chunk)
      store(std::max<int64_t>(start, 0), std::min(start + chunk, end), rule);
  }

  void add_masks(int64_t end) {
    if (length() >= end) return;
    if (model.mask < 0)
      fail("this model has no mask token and a block length of " + std::to_string(model.block));
    sequence.resize(end, model.mask);
  }

  Ids run() {
    const bool causal = model.block > 0, has_rule = causal && !model.masks_last;
    const bool cached = causal || settings.cached;
    if (model.whole_steps && cached)
      fail("this model's steps are whole sequences, of which nothing is kept; leave out --cached");
    if (has_rule && !model.any_block && settings.block_size && settings.block_size != model.block)
      fail("this file was exported with block length " + std::to_string(model.block));
    int64_t size = model.masks_last ? 16 : causal ? model.block : 32;
    if (settings.block_size) size = settings.block_size;
    int64_t first = prompt_end, end = limit;
    if (has_rule) {  // whole blocks, at multiples of their size or from the end of the prompt
      if (!model.causal_text) first = prompt_end / size * size;
      end = first + (limit - first + size - 1) / size * size;
    }
    const int64_t own = causal ? size : 0;
    const int64_t final_rule = model.causal_text || model.masks_last ? 1 : own;
    rule = model.masks_last ? 1 : causal && !model.causal_text ? size : 0;
    if (end > model.rows)
      fail("prompt and answer need " + std::to_string(end) + " rows of KV cache; this file has " +
           std::to_string(model.rows));
    if (cached) prefill(first, size, final_rule);
    for (int64_t start = first; start < end && !stopped(); start += size) {
      const int64_t stop = std::min(start + size, end);
      const int64_t from = cached ? start : 0, to = cached ? stop : end;
      add_masks(to);
      denoise(start, stop, from, to);
      if (cached && stop < end && !stopped()) store(start, stop, final_rule);  // clean rows
    }
    return tokens();
  }
};
