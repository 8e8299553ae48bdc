// Generates with an exported diffusion language model: token ids in, token ids out.
//
//   runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P]
//                    [--block-size N] [--cached 1] [--threads N] [--verify 0] < prompts
//
// One prompt a line, ids separated by spaces; one answer a line. Timings go to stderr.
// Everything about the model is read from the file's constants; nothing but ExecuTorch is needed.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
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
  int64_t cached = 0;      // 1: blocks of a bidirectional model one by one, from the prompt's end
  int64_t threads = 0;     // 0: ExecuTorch's choice
  int64_t verify = 1;      // compare the file with its checksum; a second per gigabyte or less
  double threshold = 0.9;  // reveal what is at least this sure; above 1: the best or the quota only
};

// What a user wrote, as it can be shown: no control characters, and not all of it.
std::string shown(std::string text) {
  text.resize(std::min<size_t>(text.size(), 60));
  for (char& c : text)
    if (c < 32 || c > 126) c = '?';
  return text;
}

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// CRC-32 of bytes, eight at a time; `crc` is that of the bytes before.
uint32_t crc32(const unsigned char* data, size_t size, uint32_t crc) {
  static const auto table = [] {
    std::array<std::array<uint32_t, 256>, 8> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[0][i] = i;
      for (int bit = 0; bit < 8; ++bit) t[0][i] = t[0][i] >> 1 ^ (t[0][i] & 1 ? 0xedb88320u : 0);
    }
    for (int k = 1; k < 8; ++k)
      for (int i = 0; i < 256; ++i) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 255];
    return t;
  }();
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = word << 8 | data[i];
    word ^= crc;
    crc = 0;
    for (int i = 0; i < 8; ++i) crc ^= table[7 - i][word >> 8 * i & 255];
  }
  while (size--) crc = crc >> 8 ^ table[0][(crc ^ *data++) & 255];
  return ~crc;
}

uint64_t little_endian(const char* data, int bytes) {
  uint64_t value = 0;
  while (bytes--) value = value << 8 | static_cast<unsigned char>(data[bytes]);
  return value;
}

// Refuse a file that is no program, was cut short or was changed.
void check_file(const std::string& path, bool verify) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(path + " cannot be read");
  const uint64_t size = static_cast<uint64_t>(file.tellg());
  char head[40], seal[20];  // seal: magic, bytes before it, their CRC-32
  if (size < sizeof head) fail(path + " is too short for a program; export it again");
  file.seekg(0).read(head, sizeof head);
  if (std::memcmp(head + 4, "ET12", 4))
    fail(path + " is no ExecuTorch program; give a .pte file");
  uint64_t expected = 0;
  if (!std::memcmp(head + 8, "eh00", 4) && little_endian(head + 12, 4) >= 32) {
    const uint64_t base = little_endian(head + 24, 8);
    expected = base ? base + little_endian(head + 32, 8) : little_endian(head + 16, 8);
  }
  if (size < expected)
    fail(path + " has " + std::to_string(size) + " bytes of " + std::to_string(expected) +
         ": it was cut short; copy or export it again");
  if (!verify) return;
  file.seekg(size - sizeof seal).read(seal, sizeof seal);
  const bool sealed = !std::memcmp(seal, "DLEXSEAL", 8);
  if (!sealed && expected && size != expected)
    fail(path + " is damaged: its checksum is unreadable; copy or export it again");
  if (!sealed) {
    std::fprintf(stderr, "runner: %s has no checksum; export it again\n", path.c_str());
    return;
  }
  uint64_t rest = little_endian(seal + 8, 8);
  uint32_t crc = 0;
  std::vector<char> part(1 << 20);
  file.seekg(0);
  for (bool same = rest == size - sizeof seal; same && rest;) {
    const size_t count = std::min<uint64_t>(rest, part.size());
    if (!file.read(part.data(), count)) break;
    crc = crc32(reinterpret_cast<unsigned char*>(part.data()), count, crc);
    rest -= count;
  }
  if (rest || crc != little_endian(seal + 16, 4))
    fail(path + " is damaged: its bytes are not those that were written; copy or export it again");
}

// What a step says about each of its rows.
struct Prediction {
  Ids ids;                        // the best token
  std::vector<float> confidence;  // its probability
};

// The step of the file, and the facts it carries.
struct Model {
  Module module;
  int64_t rows, max_tokens, block, mask, shift, vocab;
  bool any_block;    // the block length of the mask rule is an input of the step
  bool causal_text;  // what is final is read causally (Nemotron-Labs-Diffusion)
  bool masks_last;   // masks stand behind the known tokens of a step (WeDLM)
  bool whole_steps;  // a step must be the whole sequence: it has convolutions (LFM2.5)
  Ids eos;
  int64_t forwards = 0;

  explicit Model(const std::string& path) : module(path, Module::LoadMode::Mmap) {
    using executorch::runtime::Program;
    if (module.load(Program::Verification::InternalConsistency) != Error::Ok)
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
    if (rows < 1 || max_tokens < 1 || block < 0 || vocab < 1 || shift < 0 || shift > 1)
      fail(path + " states facts that cannot be right; export it again");
    if (module.load_method("forward") != Error::Ok)
      fail("method forward could not be loaded; export with methods=(\"forward\",)");
    auto meta = module.method_meta("forward");
    any_block = meta.ok() && meta->num_inputs() == 4;
    causal_text = flag("get_causal_text");
    masks_last = flag("get_masks_last");
    whole_steps = flag("get_whole_steps");
    if (causal_text && !any_block) fail(path + " lacks an input for its rule; export it again");
  }

  bool flag(const char* name) {
    auto names = module.method_names();
    if (!names.ok() || !names->count(name)) return false;
    auto value = module.get(name);
    return value.ok() && value->isBool() && value->toBool();
  }

  int64_t fact(const char* name) {
    auto value = module.get(name);
    if (!value.ok()) fail(std::string("the file lacks the constant ") + name);
    if (!value->isInt()) fail(std::string("the constant ") + name + " is no number");
    return value->toInt();
  }

  // Tokens [start, end) of a sequence into their cache rows, attention to rows 0 … end, under a
  // mask rule: its block length, 0 for none.
  Prediction step(const Ids& sequence, int64_t start, int64_t end, int64_t rule) {
    Ids tokens(sequence.begin() + start, sequence.begin() + end), first{start}, kv_len{end};
    Ids block_length{rule};
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
    auto outputs = module.execute("forward", inputs);
    if (!outputs.ok())
      fail("the step failed with ExecuTorch error " +
           std::to_string(static_cast<int>(outputs.error())));
    ++forwards;
    if (outputs->size() < 2 || !outputs->at(0).isTensor() || !outputs->at(1).isTensor())
      fail("the step returns no ids and confidences; export with methods=(\"forward\",)");
    const auto best = outputs->at(0).toTensor();
    const auto sure = outputs->at(1).toTensor();
    if (best.numel() < count || sure.numel() < count)
      fail("the step returned fewer rows than it was given");
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
  int64_t rule = 0;  // of the block in work

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
      const Prediction prediction = model.step(sequence, from, to, rule);
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

  // A shifted model, or one that reads text causally: the last row of a clean stretch says what
  // stands at the position after it.
  void name_next(int64_t position, const Prediction& prediction) {
    const bool names = model.shift || model.causal_text;
    if (!names || position < prompt_end || position >= limit) return;
    if (position < length() && !masked(position)) return;
    if (position == length()) sequence.push_back(model.mask);
    sequence[position] = prediction.ids.back();
  }

  // Read whole blocks of the prompt into the cache, up to `end`.
  void prefill(int64_t end, int64_t size, int64_t rule) {
    // without a mask rule in the graph a chunk is one block, and the first one may be short
    const int64_t unit = rule ? rule : size;
    const int64_t blocks = rule ? std::max<int64_t>(1, model.max_tokens / unit) : 1;
    const int64_t chunk = blocks * unit;
    const int64_t before = rule ? 0 : (chunk - end % chunk) % chunk;
    for (int64_t start = -before; start < end; start += chunk) {
      const int64_t stop = std::min(start + chunk, end);
      const Prediction prediction = model.step(sequence, std::max<int64_t>(start, 0), stop, rule);
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
      if (cached && stop < end && !stopped())  // commit: clean keys and values
        name_next(stop, model.step(sequence, start, stop, final_rule));
    }
    return Ids(sequence.begin() + prompt_end, sequence.begin() + settled());
  }
};

// Read a whole number from `least` to `most` into `field`.
void read_whole(const std::string& name, double value, int64_t least, int64_t most,
                int64_t& field) {
  if (!(value >= least && value <= most) || value != std::floor(value))
    fail(name + " must be a whole number from " + std::to_string(least) + " to " +
         std::to_string(most));
  field = static_cast<int64_t>(value);
}

Settings parse(int argc, char** argv) {
  if (argc < 2)
    fail("usage: runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P] "
         "[--block-size N] [--cached 1] [--threads N] [--verify 0] < prompts");
  Settings settings;
  const int64_t most = 1 << 24;
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) fail(shown(name) + " wants a number");
    char* rest;
    const double value = std::strtod(argv[i + 1], &rest);
    if (*rest || rest == argv[i + 1] || std::isnan(value))
      fail(name + " wants a number, not " + shown(argv[i + 1]));
    if (name == "--max-new-tokens") read_whole(name, value, 1, most, settings.max_new_tokens);
    else if (name == "--iterations") read_whole(name, value, 0, most, settings.iterations);
    else if (name == "--threshold") settings.threshold = value;
    else if (name == "--block-size") read_whole(name, value, 0, most, settings.block_size);
    else if (name == "--cached") read_whole(name, value, 0, 1, settings.cached);
    else if (name == "--threads") read_whole(name, value, 0, 1024, settings.threads);
    else if (name == "--verify") read_whole(name, value, 0, 1, settings.verify);
    else fail("unknown option " + shown(name));
  }
  return settings;
}

Ids parse_prompt(const std::string& line) {
  std::istringstream words(line);
  Ids prompt;
  for (int64_t token; words >> token;) prompt.push_back(token);
  if (!words.eof()) fail("a prompt is a line of token ids, not: " + shown(line));
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
  check_file(argv[1], settings.verify);
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
