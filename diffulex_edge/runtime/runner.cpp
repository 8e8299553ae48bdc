// Generates with an exported diffusion language model: token ids in, token ids out.
//
//   runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P] [--block-size N] [--threads N] < prompts
//
// One prompt a line, ids separated by spaces; one answer a line. Timings go to stderr.
// Everything about the model is read from the file's constants; nothing but ExecuTorch is needed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
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
using executorch::runtime::EValue;
using Ids = std::vector<int64_t>;

struct Settings {
  int64_t max_new_tokens = 128, iterations = 0, block_size = 0, threads = 0;  // 0: as many steps as needed; the model's block, or 32; ExecuTorch's choice
  double threshold = 0.9;                                                      // reveal what is at least this sure; above 1: the best token or the quota only
};

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// The step of the file, and the facts it carries.
struct Model {
  Module module;
  int64_t rows, longest, block, mask, shift, vocab;
  Ids eos;
  int64_t forwards = 0;

  explicit Model(const std::string& path) : module(path, Module::LoadMode::Mmap) {
    if (module.load() != executorch::runtime::Error::Ok) fail(path + " is not a whole ExecuTorch program");
    if (fact("get_contract_version") != 1) fail(path + " follows another contract version; export it again");
    rows = fact("get_max_seq_len"), longest = fact("get_prefill_chunk_size"), block = fact("get_block_length");
    mask = fact("get_mask_token_id"), shift = fact("get_logits_shift"), vocab = fact("get_vocab_size");
    auto list = module.execute("get_eos_ids");
    if (!list.ok()) fail("the file lacks the constant get_eos_ids");
    for (const auto& e : list.get()) eos.push_back(e.toInt());
    if (module.load_method("forward") != executorch::runtime::Error::Ok) fail("method forward could not be loaded; export with methods=(\"forward\",)");
  }

  int64_t fact(const char* name) {
    auto value = module.get(name);
    if (!value.ok()) fail(std::string("the file lacks the constant ") + name);
    return value->toInt();
  }

  // Tokens x[a, b) into cache rows a …, attention to rows 0 … b: the best token of each row, and its probability.
  void step(Ids x, int64_t a, int64_t b, Ids& ids, std::vector<float>& confidence) {
    Ids tokens(x.begin() + a, x.begin() + b), start{a}, kv_len{b};
    const auto T = static_cast<executorch::aten::SizesType>(tokens.size());
    if (T < 1 || T > longest) fail("a step of " + std::to_string(T) + " tokens; this file takes 1 to " + std::to_string(longest));
    const auto i64 = executorch::aten::ScalarType::Long;
    auto t = from_blob(tokens.data(), {1, T}, i64), s = from_blob(start.data(), {1}, i64), k = from_blob(kv_len.data(), {1}, i64);
    auto out = module.execute("forward", {EValue(t), EValue(s), EValue(k)});
    if (!out.ok()) fail("the step failed with ExecuTorch error " + std::to_string(static_cast<int>(out.error())));
    const auto best = out->at(0).toTensor();
    const auto sure = out->at(1).toTensor();
    ids.assign(best.const_data_ptr<int64_t>(), best.const_data_ptr<int64_t>() + T);
    confidence.assign(sure.const_data_ptr<float>(), sure.const_data_ptr<float>() + T);
    ++forwards;
  }
};

// One answer being written: the prompt, then tokens and masks.
struct Answer {
  Model& m;
  const Settings& c;
  Ids x, ids;
  std::vector<float> confidence;
  int64_t known, limit;  // length of the prompt; end of the answer

  Answer(Model& model, const Settings& settings, const Ids& prompt)
      : m(model), c(settings), x(prompt), known(prompt.size()), limit(known + settings.max_new_tokens) {
    for (auto t : prompt) if (t < 0 || t >= m.vocab || t == m.mask) fail("the prompt holds " + std::to_string(t) + ", which is the mask or no token of this model");
  }

  bool ends(int64_t t) const { return std::find(m.eos.begin(), m.eos.end(), t) != m.eos.end(); }

  int64_t settled() const {  // end of what is final: the first mask, end-of-text or the limit
    int64_t i = known;
    while (i < limit && i < int64_t(x.size()) && x[i] != m.mask && !ends(x[i])) ++i;
    return i;
  }
  bool stopped() const { auto i = settled(); return i < limit && i < int64_t(x.size()) && x[i] != m.mask; }

  Ids masked(int64_t a, int64_t b) const {
    Ids out;
    for (int64_t i = a; i < std::min(b, limit); ++i) if (x[i] == m.mask) out.push_back(i);
    return out;
  }

  // A shifted model: the last row of a clean stretch says what stands at position b.
  void ahead(int64_t b) {
    if (!m.shift || b < known || b >= limit || (b < int64_t(x.size()) && x[b] != m.mask)) return;
    if (b == int64_t(x.size())) x.push_back(ids.back()); else x[b] = ids.back();
  }

  // Denoise positions a … b; a step covers w0 … w1.
  void fill(int64_t a, int64_t b, int64_t w0, int64_t w1) {
    int64_t left_steps = c.iterations;
    for (auto open = masked(a, b); !open.empty() && !stopped(); open = masked(a, b)) {
      m.step(x, w0, w1, ids, confidence);
      int64_t quota = c.iterations ? (int64_t(open.size()) + left_steps - 1) / std::max<int64_t>(left_steps, 1) : 1;
      if (left_steps > 1) --left_steps;
      auto row = [&](int64_t i) { return std::max<int64_t>(i - m.shift - w0, 0); };
      std::stable_sort(open.begin(), open.end(), [&](int64_t i, int64_t j) { return confidence[row(i)] > confidence[row(j)]; });
      for (int64_t n = 0; n < int64_t(open.size()); ++n)
        if (n < quota || confidence[row(open[n])] >= float(c.threshold)) x[open[n]] = ids[row(open[n])];
    }
  }

  Ids run() {
    const bool causal = m.block > 0;
    const int64_t size = causal ? m.block : c.block_size ? c.block_size : 32;
    if (causal && c.block_size && c.block_size != m.block) fail("this file was exported with block length " + std::to_string(m.block));
    const int64_t first = causal ? known / size * size : known;                            // blocks stand at multiples of their size
    const int64_t end = causal ? first + (limit - first + size - 1) / size * size : limit;
    if (end > m.rows) fail("prompt and answer need " + std::to_string(end) + " rows of KV cache; this file has " + std::to_string(m.rows));
    const int64_t chunk = std::max<int64_t>(1, m.longest / size) * size;
    for (int64_t a = 0; causal && a < first; a += chunk) {                                 // prefill: whole blocks of the prompt
      m.step(x, a, std::min(a + chunk, first), ids, confidence);
      if (a + chunk >= first) ahead(first);
    }
    for (int64_t a = first; a < end && !stopped(); a += size) {
      const int64_t b = std::min(a + size, end), upto = causal ? b : end;
      if (m.mask < 0 && int64_t(x.size()) < upto) fail("this model has no mask token and a block length of " + std::to_string(m.block));
      if (int64_t(x.size()) < upto) x.resize(upto, m.mask);
      fill(a, b, causal ? a : 0, upto);
      if (stopped()) break;
      if (causal && b < end) {                                                             // commit: clean keys and values
        m.step(x, a, b, ids, confidence);
        ahead(b);
      }
    }
    return Ids(x.begin() + known, x.begin() + settled());
  }
};

int main(int argc, char** argv) try {
  if (argc < 2) fail("usage: runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P] [--block-size N] [--threads N] < prompts");
  Settings c;
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) fail(name + " wants a number");
    char* rest;
    const double value = std::strtod(argv[i + 1], &rest);
    if (*rest) fail(name + " wants a number, not " + argv[i + 1]);
    if (name == "--max-new-tokens") c.max_new_tokens = value;
    else if (name == "--iterations") c.iterations = value;
    else if (name == "--threshold") c.threshold = value;
    else if (name == "--block-size") c.block_size = value;
    else if (name == "--threads") c.threads = value;
    else fail("unknown option " + name);
  }
  if (c.max_new_tokens < 1) fail("--max-new-tokens must be at least 1");
  if (c.threads > 0) executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(c.threads);
  Model model(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    Ids prompt;
    for (int64_t t; words >> t;) prompt.push_back(t);
    if (!words.eof()) fail("a prompt is a line of token ids, not: " + line);
    const auto t0 = std::chrono::steady_clock::now();
    const int64_t before = model.forwards;
    const Ids answer = Answer(model, c, prompt).run();
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
    for (size_t i = 0; i < answer.size(); ++i) std::printf(i ? " %lld" : "%lld", static_cast<long long>(answer[i]));
    std::printf("\n");
    std::fflush(stdout);
    std::fprintf(stderr, "%zu tokens, %lld forwards, %.2f s, %.1f tokens/s\n", answer.size(), static_cast<long long>(model.forwards - before), s, answer.size() / s);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "runner: %s\n", e.what());
  return 1;
}
