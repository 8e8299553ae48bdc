// A tree of drafts behind the last known token, by a small head beside the model.
#pragma once
#include <numeric>
#include "model.h"

// A guess at a token behind another one.
struct Draft {
  int64_t token, parent;  // the place of the draft that it goes on from; -1: the last known token
  double chance = 1;      // that it and those before it are right
};
using Drafts = std::vector<Draft>;

// Tokens as drafts, each behind the one before it.
inline Drafts in_line(const Ids& tokens) {
  Drafts drafts;
  for (int64_t token : tokens) drafts.push_back({token, int64_t(drafts.size()) - 1});
  return drafts;
}

// The last token that goes on from each; `parents`: the one before each, -1 for none.
inline Ids reach_of(const Ids& parents) {
  Ids reach(parents.size());
  std::iota(reach.begin(), reach.end(), 0);
  for (int64_t place = int64_t(reach.size()) - 1; place >= 0; --place)
    if (parents[place] >= 0)
      reach[parents[place]] = std::max(reach[parents[place]], reach[place]);
  return reach;
}

// Append the ranked drafts behind `parent`, whose new place is `place`, each with its own.
inline void take_behind(const Drafts& drafts, const Ids& ranked, int64_t parent, int64_t place,
                        Drafts& kept) {
  for (int64_t each : ranked) {
    if (drafts[each].parent != parent) continue;
    kept.push_back({drafts[each].token, place, drafts[each].chance});
    take_behind(drafts, ranked, each, int64_t(kept.size()) - 1, kept);
  }
}

// The `count` likeliest drafts, each followed by those that go on from it.
inline Drafts likeliest(const Drafts& drafts, size_t count) {
  Ids ranked(drafts.size());
  std::iota(ranked.begin(), ranked.end(), 0);
  std::stable_sort(ranked.begin(), ranked.end(), [&](int64_t one, int64_t other) {
    return drafts[one].chance > drafts[other].chance;
  });
  ranked.resize(std::min(ranked.size(), count));
  Drafts kept;
  take_behind(drafts, ranked, -1, -1, kept);
  return kept;
}

constexpr size_t beams = 2;  // branches that go on from level to level

// What a head says about as many branches: their states behind one more token, and for each some
// tokens that may follow, the likeliest first, with their chances.
struct Guesses {
  std::vector<float> states;
  Ids ids;
  std::vector<float> chances;
};

inline Guesses guess(Model& model, std::vector<float> states, Ids tokens) {
  const auto count = static_cast<executorch::aten::SizesType>(tokens.size());
  const auto hidden = static_cast<executorch::aten::SizesType>(states.size()) / count;
  auto from = from_blob(states.data(), {count, hidden});
  auto ids = from_blob(tokens.data(), {1, count}, executorch::aten::ScalarType::Long);
  auto outputs = model.module.execute("draft", {EValue(from), EValue(ids)});
  if (!outputs.ok() || outputs->size() != 3)
    fail("the draft head of the file could not be run; export it again");
  const auto next = outputs->at(0).toTensor(), named = outputs->at(1).toTensor();
  const auto chances = outputs->at(2).toTensor();
  const auto* state = next.const_data_ptr<float>();
  const auto* id = named.const_data_ptr<int64_t>();
  const auto* chance = chances.const_data_ptr<float>();
  return {{state, state + next.numel()}, {id, id + named.numel()},
          {chance, chance + chances.numel()}};
}

// Drafts of `levels` levels behind `token`; `state`: of the row that named it. A level is left out
// when the likeliest branch that it would go on from has a chance below `least`.
inline Drafts grow(Model& model, std::vector<float> state, int64_t token, int64_t levels,
                   double least) {
  Drafts drafts;
  std::vector<float> states = std::move(state), chances{1};  // of the branches that go on
  Ids tokens{token}, places{-1};
  for (int64_t level = 0; level < levels && chances[0] >= float(least); ++level) {
    const Guesses said = guess(model, std::move(states), tokens);
    const size_t branches = tokens.size(), offers = said.ids.size() / branches;
    const size_t hidden = said.states.size() / branches, first = drafts.size();
    std::vector<float> joint;
    for (size_t nth = 0; nth < said.ids.size(); ++nth) {
      joint.push_back(chances[nth / offers] * said.chances[nth]);
      drafts.push_back({said.ids[nth], places[nth / offers], joint[nth]});
    }
    std::vector<size_t> best(joint.size());
    std::iota(best.begin(), best.end(), 0);
    std::stable_sort(best.begin(), best.end(),
                     [&](size_t one, size_t other) { return joint[one] > joint[other]; });
    best.resize(std::min(best.size(), beams));
    states.clear(), chances.clear(), tokens.clear(), places.clear();
    for (size_t nth : best) {
      const auto from = said.states.begin() + nth / offers * hidden;
      states.insert(states.end(), from, from + hidden);
      chances.push_back(joint[nth]);
      tokens.push_back(said.ids[nth]);
      places.push_back(first + nth);
    }
  }
  return drafts;
}
