// Generates with an exported diffusion language model: token ids in, token ids out.
//
//   runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P]
//                    [--block-size N] [--threads N] < prompts
//
// One prompt a line, ids separated by spaces; one answer a line. Timings go to stderr.
// Everything about the model is read from the file's constants; nothing but ExecuTorch is needed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>
#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

namespace executorch::extension::threadpool {  // its header is not in the wheel
class ThreadPool { public: bool _unsafe_reset_threadpool(uint32_t n); };
ThreadPool* get_threadpool();
}
using executorch::extension::Module;
using executorch::extension::from_blob;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using Ids = std::vector<int64_t>;

struct Settings {
  int64_t max_new_tokens = 128;
  int64_t iterations = 0;  // steps per block; 0: as many as needed
  int64_t block_size = 0;  // 0: the model's block, or 32
  int64_t threads = 0;     // 0: ExecuTorch's choice
  double threshold = 0.9;  // reveal what is at least this sure; above 1: the best or the quota only
};

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// What a step says about each of its rows.
struct Prediction {
  Ids ids;                        // the best token
  std::vector<float> confidence;  // its probability
};

// The step of the file, and the facts it carries.
struct Model {
  Module module;
  int64_t rows, max_tokens, block, mask, shift, vocab;
  Ids eos;
  int64_t forwards = 0;

  explicit Model(const std::string& path) : module(path, Module::LoadMode::Mmap) {
    if (module.load() != Error::Ok) fail(path + " is not a whole ExecuTorch program");
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
    for (const auto& end : ends.get()) eos.push_back(end.toInt());
    if (module.load_method("forward") != Error::Ok)
      fail("method forward could not be loaded; export with methods=(\"forward\",)");
  }

  int64_t fact(const char* name) {
    auto value = module.get(name);
    if (!value.ok()) fail(std::string("the file lacks the constant ") + name);
    return value->toInt();
  }

  // Tokens [start, end) of a sequence into their cache rows, attention to rows 0 … end.
  Prediction step(const Ids& sequence, int64_t start, int64_t end) {
    Ids tokens(sequence.begin() + start, sequence.begin() + end), first{start}, kv_len{end};
    const auto count = static_cast<executorch::aten::SizesType>(tokens.size());
    if (count < 1 || count > max_tokens)
      fail("a step of " + std::to_string(count) + " tokens; this file takes 1 to " +
           std::to_string(max_tokens));
    const auto type = executorch::aten::ScalarType::Long;
    auto ids = from_blob(tokens.data(), {1, count}, type);
    auto from = from_blob(first.data(), {1}, type), to = from_blob(kv_len.data(), {1}, type);
    auto outputs = module.execute("forward", {EValue(ids), EValue(from), EValue(to)});
    if (!outputs.ok())
      fail("the step failed with ExecuTorch error " +
           std::to_string(static_cast<int>(outputs.error())));
    ++forwards;
    const auto best = outputs->at(0).toTensor();
    const auto sure = outputs->at(1).toTensor();
    const auto* id = best.const_data_ptr<int64_t>();
    const auto* confidence = sure.const_data_ptr<float>();
    return {Ids(id, id + count), std::vector<float>(confidence, confidence + count)};
  }
};

// One answer being written: the prompt, then tokens and masks.
struct Answer {
  Model& model;
  const Settings& settings;
  Ids sequence;
  int64_t prompt_end, limit;  // the answer is between them

  Answer(Model& model, const Settings& settings, const Ids& prompt)
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

  bool stopped() const {
    const int64_t position = settled();
    return position < std::min(limit, length()) && !masked(position);
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
      const Prediction prediction = model.step(sequence, from, to);
      int64_t quota = 1;
      if (settings.iterations > 0) quota = (int64_t(open.size()) + steps_left - 1) / steps_left;
      if (steps_left > 1) --steps_left;
      reveal(open, prediction, from, quota);
    }
  }

  // Write the tokens of the surest positions: `quota` of them, and all above the threshold.
  void reveal(Ids open, const Prediction& prediction, int64_t from, int64_t quota) {
    auto row = [&](int64_t position) {
      return std::max<int64_t>(position - model.shift - from, 0);
    };
    auto sure = [&](int64_t position) { return prediction.confidence[row(position)]; };
    std::stable_sort(open.begin(), open.end(),
                     [&](int64_t one, int64_t other) { return sure(one) > sure(other); });
    for (int64_t rank = 0; rank < int64_t(open.size()); ++rank)
      if (rank < quota || sure(open[rank]) >= float(settings.threshold))
        sequence[open[rank]] = prediction.ids[row(open[rank])];
  }

  // A shifted model: the last row of a clean stretch says what stands at the position after it.
  void name_next(int64_t position, const Prediction& prediction) {
    if (!model.shift || position < prompt_end || position >= limit) return;
    if (position < length() && !masked(position)) return;
    if (position == length()) sequence.push_back(model.mask);
    sequence[position] = prediction.ids.back();
  }

  // Read whole blocks of the prompt into the cache, up to `end`.
  void prefill(int64_t end, int64_t size) {
    const int64_t chunk = std::max<int64_t>(1, model.max_tokens / size) * size;
    for (int64_t start = 0; start < end; start += chunk) {
      const int64_t stop = std::min(start + chunk, end);
      const Prediction prediction = model.step(sequence, start, stop);
      if (stop == end) name_next(end, prediction);
    }
  }

  void add_masks(int64_t end) {
    if (length() >= end) return;
    if (model.mask < 0)
      fail("this model has no mask token and a block length of " + std::to_string(model.block));
    sequence.resize(end, model.mask);
  }

  Ids run() {
    const bool causal = model.block > 0;
    if (causal && settings.block_size && settings.block_size != model.block)
      fail("this file was exported with block length " + std::to_string(model.block));
    const int64_t size = causal ? model.block : settings.block_size ? settings.block_size : 32;
    int64_t first = prompt_end, end = limit;
    if (causal) {  // blocks stand at multiples of their size
      first = prompt_end / size * size;
      end = (limit + size - 1) / size * size;
    }
    if (end > model.rows)
      fail("prompt and answer need " + std::to_string(end) + " rows of KV cache; this file has " +
           std::to_string(model.rows));
    if (causal) prefill(first, size);
    for (int64_t start = first; start < end && !stopped(); start += size) {
      const int64_t stop = std::min(start + size, end);
      const int64_t from = causal ? start : 0, to = causal ? stop : end;
      add_masks(to);
      denoise(start, stop, from, to);
      if (causal && stop < end && !stopped())  // commit: clean keys and values
        name_next(stop, model.step(sequence, start, stop));
    }
    return Ids(sequence.begin() + prompt_end, sequence.begin() + settled());
  }
};

Settings parse(int argc, char** argv) {
  if (argc < 2)
    fail("usage: runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P] "
         "[--block-size N] [--threads N] < prompts");
  Settings settings;
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) fail(name + " wants a number");
    char* rest;
    const double value = std::strtod(argv[i + 1], &rest);
    if (*rest) fail(name + " wants a number, not " + argv[i + 1]);
    if (name == "--max-new-tokens") settings.max_new_tokens = value;
    else if (name == "--iterations") settings.iterations = value;
    else if (name == "--threshold") settings.threshold = value;
    else if (name == "--block-size") settings.block_size = value;
    else if (name == "--threads") settings.threads = value;
    else fail("unknown option " + name);
  }
  if (settings.max_new_tokens < 1) fail("--max-new-tokens must be at least 1");
  return settings;
}

Ids parse_prompt(const std::string& line) {
  std::istringstream words(line);
  Ids prompt;
  for (int64_t token; words >> token;) prompt.push_back(token);
  if (!words.eof()) fail("a prompt is a line of token ids, not: " + line);
  return prompt;
}

void print(const Ids& ids) {
  for (size_t i = 0; i < ids.size(); ++i)
    std::printf(i ? " %lld" : "%lld", static_cast<long long>(ids[i]));
  std::printf("\n");
  std::fflush(stdout);
}

int main(int argc, char** argv) try {
  const Settings settings = parse(argc, argv);
  if (settings.threads > 0)
    executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(settings.threads);
  Model model(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    const Ids prompt = parse_prompt(line);
    const auto began = std::chrono::steady_clock::now();
    const int64_t before = model.forwards;
    const Ids answer = Answer(model, settings, prompt).run();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
    const double seconds = elapsed.count();
    print(answer);
    std::fprintf(stderr, "%zu tokens, %lld forwards, %.2f s, %.1f tokens/s\n", answer.size(),
                 static_cast<long long>(model.forwards - before), seconds,
                 answer.size() / seconds);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "runner: %s\n", error.what());
  return 1;
}
