// An exported diffusion language model: its file, the facts in it, its step.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/backend/backend_options_map.h>
#include <executorch/runtime/backend/options.h>
#include "seal.h"

namespace executorch::extension::threadpool {  // its header is not in the wheel
class ThreadPool { public: bool _unsafe_reset_threadpool(uint32_t n); };
ThreadPool* get_threadpool();
}
using executorch::extension::Module;
using executorch::extension::from_blob;
using executorch::runtime::Error;
using executorch::runtime::EValue;

// What a step says about each of its rows.
struct Prediction {
  Ids ids;                        // the best token
  std::vector<float> confidence;  // its probability
  std::vector<float> logits;      // of all tokens, row by row, where they were asked for
  std::vector<float> states;      // row by row, what a draft head begins from, if there is one

  std::vector<float> state(int64_t row) const {
    const auto size = states.size() / ids.size(), first = row * size;
    return {states.begin() + first, states.begin() + first + size};
  }
};

// Of a tree of tokens, those up to the first that does not go on from the one before it.
inline Ids first_line(const Ids& tokens, const Ids& reach) {
  for (int64_t nth = 1; nth < int64_t(tokens.size()); ++nth)
    if (reach[nth - 1] < nth) return Ids(tokens.begin(), tokens.begin() + nth);
  return tokens;
}

// The step of the file, and the facts it carries.
struct Model {
  Module module;
  int64_t rows, max_tokens, block, mask, shift, vocab;
  bool any_block;    // the block length of the mask rule is an input of the step
  bool causal_text;  // what is final is read causally (Nemotron-Labs-Diffusion)
  bool masks_last;   // masks stand behind the known tokens of a step (WeDLM)
  bool whole_steps;  // a step must be the whole sequence: it has convolutions (LFM2.5)
  bool masks_aside;  // masks take no positions: it has an adapter and drafts with them
  bool draft_head;   // it drafts beside the model, and a step may be a tree of drafts
  int64_t tokenizer = 0;  // the number of its tokenizer's files, 0: it does not say
  int64_t planned = 0;    // bytes that the file asks for: the cache, and all between operators
  Ids eos;
  int64_t forwards = 0;
  Ids known;               // tokens of the first cache rows, as far as they are final
  int64_t known_rule = 0;  // the mask rule that they were computed with

  // `packed`: a file for packed weights, see weights.h.
  explicit Model(const std::string& path, const std::string& packed = "")
      : module(path, Module::LoadMode::Mmap) {
    using executorch::runtime::Program;
    executorch::runtime::BackendOptions<2> options;
    executorch::runtime::LoadBackendOptionsMap backends;
    if (!packed.empty()) {
      (void)options.set_option("weight_cache_enabled", true);
      (void)options.set_option("packed_cache_path", packed.c_str());
      (void)backends.set_options("XnnpackBackend", options.view());
    }
    if (module.load(backends, Program::Verification::InternalConsistency) != Error::Ok)
      fail(path + " is not a whole ExecuTorch program");
    if (fact("get_contract_version") != 1)
      fail(path + " follows another contract version; export it again");
    rows = fact("get_max_seq_len");
    max_tokens = fact("get_prefill_chunk_size");
    block = fact("get_block_length");
    mask = fact("get_mask_token_id");
    shift = fact("get_logits_shift");
    vocab = fact("get_vocab_size");
    auto ends = module.execute("get_eos_ids");
    if (!ends.ok()) fail("the file lacks the constant get_eos_ids");
    for (const auto& end : ends.get()) {
      if (!end.isInt()) fail("the constant get_eos_ids holds something else than numbers");
      eos.push_back(end.toInt());
    }
    if (rows < 1 || max_tokens < 1 || block < 0 || vocab < 1 || shift < 0 || shift > 1 ||
        mask < -1 || mask >= vocab)
      fail(path + " states facts that cannot be right; export it again");
    if (module.load_method("forward") != Error::Ok)
      fail("method forward could not be loaded; export with methods=(\"forward\",)");
    auto meta = module.method_meta("forward");
    draft_head = flag("get_draft_head");
    any_block = meta.ok() && meta->num_inputs() == 4 && !draft_head;
    for (size_t i = 0; meta.ok() && i < meta->num_memory_planned_buffers(); ++i)
      planned += meta->memory_planned_buffer_size(i).get();
    causal_text = flag("get_causal_text");
    masks_last = flag("get_masks_last");
    whole_steps = flag("get_whole_steps");
    masks_aside = flag("get_masks_aside");
    if (has("get_tokenizer_id")) tokenizer = fact("get_tokenizer_id");
    if (causal_text && !any_block) fail(path + " lacks an input for its rule; export it again");
    if (!fits()) fail(path + " states what its methods are not; export it again");
  }

  // Whether the methods are those that the constants tell of: an input is not taken for another.
  bool fits() {
    const auto step = module.method_meta("forward");
    if (!step.ok() || step->num_inputs() < 3 || step->num_inputs() > 4) return false;
    if (!draft_head) return step->num_outputs() < 4 && !has("draft");
    if (step->num_inputs() != 4 || step->num_outputs() != 4 || !has("draft")) return false;
    const auto draft = module.method_meta("draft");
    return draft.ok() && draft->num_inputs() == 2 && draft->num_outputs() == 3;
  }

  bool has(const char* name) {
    auto names = module.method_names();
    return names.ok() && names->count(name);
  }

  bool flag(const char* name) {
    if (!has(name)) return false;
    auto value = module.get(name);
    return value.ok() && value->isBool() && value->toBool();
  }

  int64_t fact(const char* name) {
    auto value = module.get(name);
    if (!value.ok()) fail(std::string("the file lacks the constant ") + name);
    if (!value->isInt()) fail(std::string("the constant ") + name + " is no number");
    return value->toInt();
  }

  // What the outputs of a step say of `count` rows.
  Prediction told(const std::vector<EValue>& outputs, int64_t count, bool with_logits) const {
    if (outputs.size() < 2 || !outputs[0].isTensor() || !outputs[1].isTensor())
      fail("the step returns no ids and confidences; export with methods=(\"forward\",)");
    const auto best = outputs[0].toTensor();
    const auto sure = outputs[1].toTensor();
    if (best.numel() < count || sure.numel() < count)
      fail("the step returned fewer rows than it was given");
    const auto* id = best.const_data_ptr<int64_t>();
    const auto* confidence = sure.const_data_ptr<float>();
    Prediction prediction{Ids(id, id + count), {confidence, confidence + count}, {}, {}};
    if (draft_head) {
      if (outputs.size() < 4) fail("the step returns no states of its draft head; export again");
      const auto states = outputs[3].toTensor();
      const auto* state = states.const_data_ptr<float>();
      prediction.states.assign(state, state + states.numel());
    }
    if (with_logits) {
      if (outputs.size() < 3 || outputs[2].toTensor().numel() < count * vocab)
        fail("the step returns no logits; export with methods=(\"forward\", \"logits\")");
      const auto* logit = outputs[2].toTensor().const_data_ptr<float>();
      prediction.logits.assign(logit, logit + count * vocab);
    }
    return prediction;
  }

  // Tokens [start, end) of a sequence into their cache rows, see `run`.
  Prediction step(const Ids& sequence, int64_t start, int64_t end, int64_t rule,
                  bool with_logits = false) {
    return run(Ids(sequence.begin() + start, sequence.begin() + end), start, rule, with_logits);
  }

  // Tokens into the cache rows from `start`, attention to all rows up to the last of them, under a
  // mask rule: its block length, 0 for none. `reach`: of a tree of drafts, the last token that
  // goes on from each; without it the tokens are one line.
  Prediction run(Ids tokens, int64_t start, int64_t rule, bool with_logits, Ids reach = {}) {
    // a causal step reads whole rounds of 64 keys, as `keys_read` in Python
    const int64_t end = start + int64_t(tokens.size());
    const int64_t read = rule == 1 ? std::min((end + 63) / 64 * 64, rows) : end;
    Ids first{start}, kv_len{read}, block_length{rule};
    const auto count = static_cast<executorch::aten::SizesType>(tokens.size());
    if (count < 1 || count > max_tokens)
      fail("a step of " + std::to_string(count) + " tokens; this file takes 1 to " +
           std::to_string(max_tokens));
    const auto type = executorch::aten::ScalarType::Long;
    auto ids = from_blob(tokens.data(), {1, count}, type);
    auto from = from_blob(first.data(), {1}, type), to = from_blob(kv_len.data(), {1}, type);
    auto limit = from_blob(block_length.data(), {1}, type);
    std::vector<EValue> inputs{EValue(ids), EValue(from), EValue(to)};
    if (any_block) inputs.emplace_back(limit);
    if (reach.empty()) reach.assign(count, count - 1);
    auto last = from_blob(reach.data(), {count}, type);
    if (draft_head) inputs.emplace_back(last);
    auto outputs = module.execute("forward", inputs);
    if (!outputs.ok())
      fail("the step failed with ExecuTorch error " +
           std::to_string(static_cast<int>(outputs.error())));
    ++forwards;
    note(first_line(tokens, reach), start, rule);
    return told(*outputs, count, with_logits);
  }

  // Remember the tokens of the rows that a step wrote: whole blocks, none under an open rule.
  void note(const Ids& tokens, int64_t start, int64_t rule) {
    if (rule && rule != known_rule) known.clear();
    const int64_t size = known.size();
    const bool whole = rule && start % rule == 0 && start <= size;
    const int64_t kept = whole || !rule ? start : start / rule * rule;
    known.resize(std::min(size, kept));
    if (whole) known.insert(known.end(), tokens.begin(), tokens.end());
    if (rule) known_rule = rule;
  }

  // Note that rows from `start` were computed from these tokens, since masks stood aside.
  void hold(const Ids& tokens, int64_t start) {
    if (int64_t(known.size()) <= start) return;
    known.resize(start);
    known.insert(known.end(), tokens.begin(), tokens.end());
  }

  // How many first tokens of a prompt the cache holds: whole blocks of them.
  int64_t held(const Ids& prompt, int64_t rule) const {
    if (!rule || rule != known_rule) return 0;
    const size_t most = std::min(known.size(), prompt.size());
    const auto end = std::mismatch(known.begin(), known.begin() + most, prompt.begin()).first;
    return (end - known.begin()) / rule * rule;
  }
};
