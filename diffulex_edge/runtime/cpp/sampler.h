// A token drawn from logits: temperature, the k best, the nucleus of p.
#pragma once
#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include "../../model/cpp/errors.h"

struct Sampler {
  double temperature = 0;  // 0: the best token
  int64_t top_k = 0;       // 0: all
  double top_p = 1;
  std::mt19937_64 random{0};

  // A token of `logits` (mask is never one), and the probability that the model gives it.
  std::pair<int64_t, float> draw(const float* logits, int64_t vocab, int64_t mask) {
    double top = -INFINITY, whole = 0;
    for (int64_t id = 0; id < vocab; ++id)
      if (id != mask) top = std::max<double>(top, logits[id]);
    for (int64_t id = 0; id < vocab; ++id)
      if (id != mask) whole += std::exp(logits[id] - top);
    const int64_t id = take(nucleus(best(logits, vocab, mask), logits, top), logits, top);
    return {id, float(std::exp(logits[id] - top) / whole)};
  }

 private:
  // Tokens in the order of their logits, the k best of them; a tie with the last one stays.
  std::vector<int64_t> best(const float* logits, int64_t vocab, int64_t mask) const {
    std::vector<int64_t> ids;
    for (int64_t id = 0; id < vocab; ++id)
      if (id != mask) ids.push_back(id);
    std::stable_sort(ids.begin(), ids.end(),
                     [&](int64_t one, int64_t other) { return logits[one] > logits[other]; });
    if (top_k <= 0 || top_k >= int64_t(ids.size())) return ids;
    size_t count = top_k;
    while (count < ids.size() && logits[ids[count]] == logits[ids[top_k - 1]]) ++count;
    ids.resize(count);
    return ids;
  }

  double weight(float logit, double top) const { return std::exp((logit - top) / temperature); }

  // The first of these tokens, as many as hold more than p of their probability.
  std::vector<int64_t> nucleus(std::vector<int64_t> ids, const float* logits, double top) const {
    if (top_p >= 1) return ids;
    double whole = 0, sum = 0;
    for (int64_t id : ids) whole += weight(logits[id], top);
    size_t count = 0;
    while (count < ids.size() && sum <= top_p * whole) sum += weight(logits[ids[count++]], top);
    ids.resize(count);
    return ids;
  }

  int64_t take(const std::vector<int64_t>& ids, const float* logits, double top) {
    double whole = 0;
    for (int64_t id : ids) whole += weight(logits[id], top);
    double left = whole * (random() >> 11) / 9007199254740992.0;  // 53 bits, alike everywhere
    for (int64_t id : ids)
      if ((left -= weight(logits[id], top)) < 0) return id;
    return ids.back();
  }
};
