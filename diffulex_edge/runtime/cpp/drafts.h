// Token by token with drafts: a forward checks guesses at the next tokens, and guesses again.
#pragma once
#include <chrono>
#include <optional>
#include "answer.h"
#include "trees.h"

// Up to `most` tokens that followed the last tokens of `ids` when they came before: the last five
// are looked for, then fewer, down to `size`; the latest occurrence counts.
inline Ids look_up(const Ids& ids, int64_t size, int64_t most) {
  const int64_t end = ids.size();
  for (int64_t length = std::max<int64_t>(size, 5); length >= size; --length)
    for (int64_t at = end - 1; at >= length; --at)
      if (std::equal(ids.end() - length, ids.end(), ids.begin() + at - length))
        return Ids(ids.begin() + at, ids.begin() + std::min(at + most, end));
  return {};
}

// Whether a model guesses at its own next tokens.
inline bool guesses(const Model& model) {
  return model.block == 1 && model.shift && (model.masks_aside || model.draft_head);
}

inline void check_drafts(const Answer& answer) {
  const Model& model = answer.model;
  if (model.block != 1 || !model.shift)
    fail("--drafts needs an autoregressive model; leave it out");
  if (!guesses(model) && !answer.settings.lookup)
    fail("--drafts needs a model with a mask adapter or a draft head, or --lookup");
  if (answer.settings.lookup && !answer.settings.drafts)
    fail("--lookup needs --drafts: auto, or of N come up to (N + 1)^2 - 1 that were looked up, N "
         "where there is a draft head");
  if (answer.limit > model.rows)
    fail("prompt and answer need " + std::to_string(answer.limit) +
         " rows of KV cache; this file has " + std::to_string(model.rows));
  if (!answer.prompt_end) fail("--drafts needs a prompt of at least one token");
}

// The tokens of a forward that checks drafts.
struct Feed {
  Ids known;  // final, and not in the cache: the last token, perhaps some before it
  Drafts drafts;
  int64_t masks = 0;   // behind every one of them
  bool found = false;  // the drafts were looked up

  Ids clean() const {  // those that are no masks
    Ids tokens = known;
    for (const Draft& draft : drafts) tokens.push_back(draft.token);
    return tokens;
  }

  Ids tokens(int64_t mask) const {
    Ids rows;
    for (int64_t token : clean()) {
      rows.push_back(token);
      rows.insert(rows.end(), masks, mask);
    }
    return rows;
  }

  // The clean token that each clean token goes on from, -1 for the first.
  Ids parents() const {
    const int64_t count = known.size();
    Ids before(count);
    std::iota(before.begin(), before.end(), -1);
    for (const Draft& draft : drafts) before.push_back(count + draft.parent);
    return before;
  }

  int64_t depth() const {  // drafts of the longest line
    Ids depths;
    for (const Draft& draft : drafts)
      depths.push_back(draft.parent < 0 ? 1 : depths[draft.parent] + 1);
    return depths.empty() ? 0 : *std::max_element(depths.begin(), depths.end());
  }

  int64_t row(int64_t nth) const { return nth * (masks + 1); }  // of a clean token
};

// What forwards of 1 to 32 rows cost, in at most about a second.
inline Costs measure_costs(Model& model) {
  using std::chrono::steady_clock;
  const auto since = [](steady_clock::time_point began) {
    return std::chrono::duration<double, std::milli>(steady_clock::now() - began).count();
  };
  const int64_t start = std::min<int64_t>(64, std::max<int64_t>(0, model.rows - 32));
  const int64_t token = model.mask == 0, forwards = model.forwards;
  Costs costs;
  const Prediction first = model.run({token}, start, 1, false);  // loads what is used first
  const auto began = steady_clock::now();
  for (int turn = 0; model.draft_head && turn < 5; ++turn) {
    std::vector<float> states = first.states;
    for (size_t nth = 1; nth < beams; ++nth)
      states.insert(states.end(), first.states.begin(), first.states.end());
    const auto before = steady_clock::now();
    guess(model, states, Ids(beams, 0));
    const double ms = since(before);
    costs.draft = turn ? std::min(costs.draft, ms) : ms;
  }
  for (int64_t rows : {1, 2, 4, 8, 16, 32}) {
    if (rows > model.max_tokens || start + rows > model.rows) break;
    for (int turn = 0; turn < 4 && since(began) < 1000; ++turn) {
      const auto before = steady_clock::now();
      model.run(Ids(rows, token), start, 1, false);
      const double ms = since(before);
      costs.table[rows] = turn ? std::min(costs.table[rows], ms) : ms;
    }
  }
  model.forwards = forwards;
  return costs;
}

// An answer with drafts, between two forwards.
struct Drafting {
  Answer& answer;
  Model& model = answer.model;
  const Settings& settings = answer.settings;
  std::optional<Controller> controller{};  // says how much to draft, with --drafts auto
  int64_t final = 0;  // rows of the cache that are final
  Ids guessed{};      // by masks, at the tokens behind the last one
  std::vector<float> state{};  // what the draft head begins from
  Ids named{};        // before that, by rows beside the text's place: drafts once more

  // The prompt without its last token into the cache, behind what it holds.
  void read_prompt() {
    final = answer.prompt_end - 1;
    answer.reused = std::min(model.held(answer.sequence, 1), final);
    for (int64_t start = answer.reused; start < final; start += model.max_tokens)
      model.step(answer.sequence, start, std::min(start + model.max_tokens, final), 1);
  }

  // How many of the wanted drafts fit behind the known tokens.
  int64_t room(int64_t wanted) const {
    const int64_t known = answer.length(), in_step = model.max_tokens - (known - final);
    const int64_t most = std::min({wanted, model.rows - known, in_step, answer.limit - known - 1});
    return std::max<int64_t>(0, most);
  }

  Ids known() const { return Ids(answer.sequence.begin() + final, answer.sequence.end()); }

  Ids look_ahead(int64_t most) const {
    const int64_t fit = settings.lookup && named.empty() ? room(most) : 0;
    return fit ? look_up(answer.sequence, settings.lookup, fit) : Ids();
  }

  Feed found_feed(Ids found, size_t most) const {
    found.resize(std::min(found.size(), most));
    return {known(), in_line(found), 0, true};
  }

  // What masks guessed, with new masks behind every token.
  Feed masked_feed(int64_t masks) const {
    const int64_t fit = std::min<int64_t>(guessed.size(), room(masks));
    Feed feed{known(), in_line(Ids(guessed.begin(), guessed.begin() + fit))};
    const int64_t rows = std::min(model.rows - final, model.max_tokens);
    if (model.masks_aside)
      feed.masks = std::min(masks, rows / int64_t(feed.clean().size()) - 1);
    return feed;
  }

  // What a head drafts in so many levels, in a forward of at most so many rows.
  Feed headed_feed(int64_t levels, int64_t rows) {
    Feed feed{known()};
    const size_t most = room(rows - int64_t(feed.known.size()));
    feed.drafts = in_line(Ids(named.begin(), named.begin() + std::min(named.size(), most)));
    const int64_t line = feed.drafts.size(), fit = int64_t(most) - line;
    if (!fit || !levels || state.empty()) return feed;
    const double least = controller ? controller->least() : 0;
    const Drafts grown = grow(model, state, feed.clean().back(), std::min(levels, fit), least);
    std::vector<double> chances;
    for (const Draft& draft : grown) chances.push_back(draft.chance);
    const int64_t before = int64_t(feed.known.size()) + line;
    const int64_t grown_levels = Feed{{}, grown}.depth();
    const int64_t worth = controller ? controller->worth(chances, before, grown_levels) : fit;
    for (Draft draft : likeliest(grown, std::min(fit, worth))) {
      draft.parent += line;
      feed.drafts.push_back(draft);
    }
    return feed;
  }

  Feed next_feed() {
    const int64_t drafts = settings.drafts, rows = answer.length() - final;
    if (!controller) {
      const int64_t most = model.draft_head ? drafts + 1 - rows : (drafts + 1) * (drafts + 1) - 1;
      const Ids found = look_ahead(most);
      if (!found.empty()) return found_feed(found, most);
      return model.draft_head ? headed_feed(drafts, drafts + 1) : masked_feed(drafts);
    }
    const Ids found = look_ahead(std::end(found_counts)[-1]);
    const Choice choice = controller->choose(found.size());
    if (choice.found) return found_feed(found, choice.found);
    return model.draft_head ? headed_feed(choice.levels, most_rows) : masked_feed(choice.masks);
  }

  // Keep the drafts that are right, and one token more; return which clean tokens named them. Best
  // tokens of rows beside the text's place, which round otherwise in 8 bits, are only `named`.
  Ids verify(Prediction& prediction, const Feed& feed) {
    const Ids clean = feed.clean(), parents = feed.parents();
    const bool draws = settings.sampler.temperature > 0;
    Ids path;
    named.clear();
    for (int64_t next = int64_t(feed.known.size()) - 1; next < int64_t(clean.size());) {
      path.push_back(next);
      answer.draw(prediction, feed.row(next));
      const int64_t token = prediction.ids[feed.row(next)];
      const bool in_place = next == path[0] + int64_t(path.size()) - 1 && named.empty();
      (draws || in_place ? answer.sequence : named).push_back(token);
      while (++next < int64_t(clean.size()))
        if (parents[next] == path.back() && clean[next] == token) break;
    }
    return path;
  }

  void forward() {
    const Feed feed = next_feed();
    const Ids tokens = feed.tokens(model.mask), clean = feed.clean();
    const bool draws = settings.sampler.temperature > 0;
    const Ids reach = model.draft_head ? reach_of(feed.parents()) : Ids();
    const auto began = std::chrono::steady_clock::now();
    Prediction prediction = model.run(tokens, final, 1, draws, reach);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    const Ids path = verify(prediction, feed);
    const int64_t last = path.back(), accepted = int64_t(path.size()) - 1;
    const int64_t right = accepted - int64_t(named.size());
    if (controller)
      controller->note(tokens.size(), took.count(), feed.depth(), right, feed.found);
    if (feed.masks) model.hold(Ids(clean.begin(), clean.begin() + last + 1), final);
    const auto behind = prediction.ids.begin() + feed.row(last) + 1;
    guessed.assign(behind, behind + feed.masks);
    if (model.draft_head) state = prediction.state(feed.row(last));
    int64_t kept = 1;  // of the path, what lies in the cache as text does
    while (kept <= accepted && path[kept] == path[0] + kept) ++kept;
    final += path[0] + kept;
    answer.show();
  }
};

inline Ids run_drafted(Answer& answer) {
  check_drafts(answer);
  Drafting drafting{answer};
  Settings& settings = answer.settings;
  if (settings.drafts == automatic) {
    Model& model = answer.model;
    if (settings.costs.table.empty()) settings.costs = measure_costs(model);
    drafting.controller.emplace(Controller{settings.costs, model.masks_aside ? most_masks : 0,
                                           model.draft_head ? most_levels : 0});
  }
  drafting.read_prompt();
  while (!answer.stopped() && answer.length() < answer.limit) drafting.forward();
  return answer.tokens();
}
