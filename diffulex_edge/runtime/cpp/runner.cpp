// Generates with an exported diffusion language model: text or token ids in and out.
//
//   runner model.pte --prompt TEXT [options]       one text; the answer is written as it grows
//   runner model.pte --text 1 [options] < prompts  a text a line
//   runner model.pte --chat 1 [options] < turns    a conversation: a turn of the user a line
//   runner model.pte [options] < prompts           token ids a line, separated by spaces
//
// Options: --max-new-tokens N --iterations N --threshold P --block-size N --cached 1
//   --temperature T --top-k N --top-p P --seed N   (from logits, which the file must give)
//   --stop TEXT (as often as wanted) --raw 1 (no turn around a text) --threads N --verify 0
//   --drafts N --lookup N   (masks behind every token or drafts of a head, tokens to find again:
//                           same text, sooner; --drafts auto: as many as pay on this machine)
//   --weights-cache FILE    (packed weights are kept there) --memory 1 (say what it takes)
// Timings go to stderr. Everything about the model is read from the file's constants; text needs
// the two files of the tokenizer beside it, nothing else but ExecuTorch.
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include "drafts.h"
#include "text.h"
#include "weights.h"

// What is asked for, besides the settings of an answer.
struct Request {
  Settings settings;
  int64_t text = 0, chat = 0, raw = 0, seed = 0, memory = 0;
  std::string prompt, weights_cache;
  std::vector<std::string> stops;
};

[[noreturn]] void refuse(const std::string& name, double value, const std::string& rule) {
  std::ostringstream message;
  message << name << " is " << value << "; it must be " << rule;
  fail(message.str());
}

// Read a whole number from `least` to `most` into `field`.
void read_whole(const std::string& name, double value, int64_t least, int64_t most,
                int64_t& field) {
  if (!(value >= least && value <= most) || value != std::floor(value))
    refuse(name, value,
           "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  field = static_cast<int64_t>(value);
}

// Set an option that is a number. Fails for a name that is none, and out of its range.
void set_number(Request& request, const std::string& name, double value) {
  const int64_t most = 1 << 24;
  Settings& settings = request.settings;
  if (name == "--max-new-tokens") read_whole(name, value, 1, most, settings.max_new_tokens);
  else if (name == "--iterations") read_whole(name, value, 0, most, settings.iterations);
  else if (name == "--threshold") settings.threshold = value;
  else if (name == "--block-size") read_whole(name, value, 0, most, settings.block_size);
  else if (name == "--cached") read_whole(name, value, 0, 1, settings.cached);
  else if (name == "--threads") read_whole(name, value, 0, 1024, settings.threads);
  else if (name == "--verify") read_whole(name, value, 0, 1, settings.verify);
  else if (name == "--text") read_whole(name, value, 0, 1, request.text);
  else if (name == "--raw") read_whole(name, value, 0, 1, request.raw);
  else if (name == "--chat") read_whole(name, value, 0, 1, request.chat);
  else if (name == "--memory") read_whole(name, value, 0, 1, request.memory);
  else if (name == "--drafts") read_whole(name, value, 0, 16, settings.drafts);
  else if (name == "--lookup") read_whole(name, value, 0, 16, settings.lookup);
  else if (name == "--seed") read_whole(name, value, 0, int64_t(1) << 52, request.seed);
  else if (name == "--top-k") read_whole(name, value, 0, most, settings.sampler.top_k);
  else if (name == "--temperature" && value >= 0) settings.sampler.temperature = value;
  else if (name == "--top-p" && value > 0 && value <= 1) settings.sampler.top_p = value;
  else if (name == "--temperature") refuse(name, value, "0 or more");
  else if (name == "--top-p") refuse(name, value, "above 0 and at most 1");
  else if (name == "--lookahead" || name == "--entropy-at-most")
    fail(name + ": d3LLM's sampler of several blocks is in Python only; leave it out, or run the "
         "file with DiffusionEngine.from_pte");
  else fail("unknown option " + shown(name));
}

Request parse(int argc, char** argv) {
  if (argc < 2)
    fail("usage: runner model.pte [--prompt TEXT | --text 1 | --chat 1] [--max-new-tokens N] "
         "[--iterations N] [--threshold P] [--block-size N] [--cached 1] [--temperature T] "
         "[--top-k N] [--top-p P] [--seed N] [--stop TEXT] [--raw 1] [--drafts N|auto] "
         "[--lookup N] [--weights-cache FILE] [--memory 1] [--threads N] [--verify 0] < prompts");
  Request request;
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) fail(shown(name) + " wants a value behind it");
    if (name == "--prompt" || name == "--stop" || name == "--weights-cache") {
      if (!*argv[i + 1]) fail(name + " wants a text that is not empty");
      if (name == "--stop") request.stops.push_back(argv[i + 1]);
      else (name == "--prompt" ? request.prompt : request.weights_cache) = argv[i + 1];
      continue;
    }
    if (name == "--drafts" && !std::strcmp(argv[i + 1], "auto")) {
      request.settings.drafts = automatic;
      continue;
    }
    char* rest;
    const double value = std::strtod(argv[i + 1], &rest);
    if (*rest || rest == argv[i + 1] || std::isnan(value))
      fail(name + " wants a number, not " + shown(argv[i + 1]));
    set_number(request, name, value);
  }
  if (request.chat && (request.raw || request.text || !request.prompt.empty()))
    fail("--chat reads what the user says, a turn a line; leave out --prompt, --text and --raw");
  request.text |= request.chat || !request.prompt.empty();
  if (!request.text && (request.raw || !request.stops.empty()))
    fail("--raw and --stop are about text; give --prompt TEXT or --text 1");
  request.settings.sampler.random.seed(request.seed);
  return request;
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

// Of what ExecuTorch logs, errors only.
void log_errors(et_timestamp_t, et_pal_log_level_t level, const char* file, const char*, size_t,
                const char* message, size_t length) {
  // a finished file of packed weights is read-only, which the backend logs and then respects
  const bool shared = std::strstr(file, "XNNWeightsCache") && !std::strncmp(message, "open(", 5);
  if ((level == kError && !shared) || level == kFatal)
    std::fprintf(stderr, "ExecuTorch: %.*s\n", static_cast<int>(length), message);
}

// Say what the process holds: memory of its own, and mapped pages of files, which it can give back.
void tell_memory(const char* when) {
  std::ifstream file("/proc/self/status");
  double own = 0, mapped = 0;
  for (std::string line; std::getline(file, line);) {
    if (!line.compare(0, 8, "RssAnon:")) own = std::atof(&line[8]) * 1024 / 1e6;
    if (!line.compare(0, 8, "RssFile:")) mapped = std::atof(&line[8]) * 1024 / 1e6;
  }
  std::fprintf(stderr, "memory, %s: %.1f MB own, %.1f MB mapped; %.2f CPU s so far\n", when, own,
               mapped, double(std::clock()) / CLOCKS_PER_SEC);
}

// Answer one prompt of a line; of a conversation, `said` holds what came before it, and then all.
void answer(Model& model, Request& request, const Prompter* prompter, const std::string& line,
            std::vector<std::string>& said) {
  Settings& settings = request.settings;
  if (!request.chat) said.clear();
  said.push_back(line);
  Ids prompt = prompter ? Ids() : parse_prompt(line);
  if (request.chat) prompt = prompter->fitting(said, model.rows, settings.max_new_tokens);
  else if (prompter) prompt = prompter->ids(said);
  const auto began = std::chrono::steady_clock::now();
  const int64_t before = model.forwards;
  Answer answering(model, settings, prompt);
  const int64_t left = model.rows - answering.prompt_end;
  if (request.chat && left > 0) answering.limit = std::min(answering.limit, model.rows);
  std::unique_ptr<Writer> writer;
  if (prompter) {
    writer = std::make_unique<Writer>(prompter->tokenizer, request.stops, stdout);
    answering.seen = [&](const Ids& ids) { return writer->take(ids), writer->stopped; };
  }
  const bool may = settings.lookup || guesses(model) || settings.drafts != automatic;
  const bool drafted = may && (settings.drafts || settings.lookup);
  const Ids tokens = drafted ? run_drafted(answering) : answering.run();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
  if (!writer) print(tokens);
  else writer->take(tokens), writer->finish(), said.push_back(writer->said);
  std::fprintf(stderr, "%zu tokens, %lld forwards, %.2f s, %.1f tokens/s; %lld of %zu tokens of "
                       "the "
               "prompt were in the cache\n", tokens.size(),
               static_cast<long long>(model.forwards - before), elapsed.count(),
               tokens.size() / elapsed.count(), static_cast<long long>(answering.reused),
               prompt.size());
  if (request.memory) tell_memory("after an answer");
}

int main(int argc, char** argv) try {
  using executorch::runtime::PalImpl;
  executorch::runtime::register_pal(PalImpl::create(log_errors, __FILE__));
  Request request = parse(argc, argv);
  const Settings& settings = request.settings;
  check_file(argv[1], settings.verify);
  if (settings.threads > 0)
    executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(settings.threads);
  WeightsCache weights(request.weights_cache, argv[1], settings.verify);
  Model model(argv[1], weights.given);
  weights.keep();
  if (request.memory) {
    std::fprintf(stderr, "memory, planned in the file: %.1f MB\n", model.planned / 1e6);
    tell_memory("loaded");
  }
  std::unique_ptr<Prompter> prompter;
  if (request.text) prompter = std::make_unique<Prompter>(argv[1], model.tokenizer, request.raw);
  std::string line = request.prompt;
  std::vector<std::string> said;
  for (bool more = true; more; more = request.prompt.empty()) {
    if (request.prompt.empty() && !std::getline(std::cin, line)) break;
    answer(model, request, prompter.get(), line, said);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "runner: %s\n", error.what());
  return 1;
}
