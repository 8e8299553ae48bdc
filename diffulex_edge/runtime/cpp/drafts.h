// Token by token with drafts: a forward checks guesses at the next tokens, and guesses again.
#pragma once
#include "answer.h"

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

// How many of the wanted drafts fit behind the last token.
inline int64_t room(const Answer& answer, int64_t wanted) {
  const int64_t final = answer.length() - 1;
  const Model& model = answer.model;
  return std::max<int64_t>(0, std::min({wanted, model.rows - final - 1, model.max_tokens - 1,
                                        answer.limit - final - 2}));
}

inline void check_drafts(const Answer& answer) {
  const Model& model = answer.model;
  if (model.block != 1 || !model.shift)
    fail("--drafts needs an autoregressive model; leave it out");
  if (!model.masks_aside && !answer.settings.lookup)
    fail("--drafts needs a model with a mask adapter, or --lookup");
  if (answer.settings.lookup && !answer.settings.drafts)
    fail("--lookup needs --drafts: of N come up to (N + 1)^2 - 1 that were looked up");
  if (answer.limit > model.rows)
    fail("prompt and answer need " + std::to_string(answer.limit) +
         " rows of KV cache; this file has " + std::to_string(model.rows));
  if (!answer.prompt_end) fail("--drafts needs a prompt of at least one token");
}

// The prompt without its last token into the cache, behind what it holds.
inline void read_prompt(Answer& answer) {
  const int64_t end = answer.prompt_end - 1, chunk = answer.model.max_tokens;
  answer.reused = std::min(answer.model.held(answer.sequence, 1), end);
  for (int64_t start = answer.reused; start < end; start += chunk)
    answer.model.step(answer.sequence, start, std::min(start + chunk, end), 1);
}

// Keep the clean tokens behind the first one that are right, and one more; return how many.
// `apart`: how far the rows of two clean tokens are apart.
inline int64_t verify(Answer& answer, Prediction& prediction, const Ids& clean, int64_t apart) {
  for (size_t nth = 0;; ++nth) {
    answer.draw(prediction, nth * apart);
    answer.sequence.push_back(prediction.ids[nth * apart]);
    if (nth + 1 == clean.size() || answer.sequence.back() != clean[nth + 1]) return nth + 1;
  }
}

inline Ids run_drafted(Answer& answer) {
  check_drafts(answer);
  read_prompt(answer);
  Model& model = answer.model;
  const int64_t wanted = answer.settings.drafts, size = answer.settings.lookup;
  Ids guessed;  // what masks said about the tokens behind the last one
  while (!answer.stopped() && answer.length() < answer.limit) {
    const int64_t final = answer.length() - 1;
    const int64_t most = size ? room(answer, (wanted + 1) * (wanted + 1) - 1) : 0;
    const Ids found = most ? look_up(answer.sequence, size, most) : Ids();
    guessed.resize(std::min<int64_t>(guessed.size(), room(answer, wanted)));
    Ids clean{answer.sequence.back()}, tokens;
    const Ids& drafts = found.empty() ? guessed : found;
    clean.insert(clean.end(), drafts.begin(), drafts.end());
    int64_t masks = 0;  // behind each of them
    if (model.masks_aside && found.empty())
      masks = std::min<int64_t>(
          wanted, std::min(model.rows - final, model.max_tokens) / int64_t(clean.size()) - 1);
    for (int64_t token : clean) {
      tokens.push_back(token);
      tokens.insert(tokens.end(), masks, model.mask);
    }
    const bool draws = answer.settings.sampler.temperature > 0;
    Prediction prediction = model.run(tokens, final, 1, draws);
    const int64_t count = verify(answer, prediction, clean, masks + 1);
    if (masks) model.hold(Ids(clean.begin(), clean.begin() + count), final);
    const auto behind = prediction.ids.begin() + (count - 1) * (masks + 1) + 1;
    guessed.assign(behind, behind + masks);
    answer.show();
  }
  return answer.tokens();
}
