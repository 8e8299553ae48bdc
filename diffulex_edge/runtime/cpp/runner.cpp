// Generates with an exported diffusion language model: text or token ids in and out.
//
//   runner model.pte --prompt TEXT [options]       one text; the answer is written as it grows
//   runner model.pte --text 1 [options] < prompts  a text a line
//   runner model.pte [options] < prompts           token ids a line, separated by spaces
//
// Options: --max-new-tokens N --iterations N --threshold P --block-size N --cached 1
//   --temperature T --top-k N --top-p P --seed N   (from logits, which the file must give)
//   --stop TEXT (as often as wanted) --raw 1 (no turn around a text) --threads N --verify 0
// Timings go to stderr. Everything about the model is read from the file's constants; text needs
// the two files of the tokenizer beside it, nothing else but ExecuTorch.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include "answer.h"
#include "text.h"

// What is asked for, besides the settings of an answer.
struct Request {
  Settings settings;
  int64_t text = 0, raw = 0, seed = 0;
  std::string prompt;
  std::vector<std::string> stops;
};

// Read a whole number from `least` to `most` into `field`.
void read_whole(const std::string& name, double value, int64_t least, int64_t most,
                int64_t& field) {
  if (!(value >= least && value <= most) || value != std::floor(value))
    fail(name + " must be a whole number from " + std::to_string(least) + " to " +
         std::to_string(most));
  field = static_cast<int64_t>(value);
}

Request parse(int argc, char** argv) {
  if (argc < 2)
    fail("usage: runner model.pte [--prompt TEXT | --text 1] [--max-new-tokens N] [--iterations N] "
         "[--threshold P] [--block-size N] [--cached 1] [--temperature T] [--top-k N] [--top-p P] "
         "[--seed N] [--stop TEXT] [--raw 1] [--threads N] [--verify 0] < prompts");
  Request request;
  Settings& settings = request.settings;
  const int64_t most = 1 << 24;
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) fail(shown(name) + " wants a value behind it");
    if (name == "--prompt" || name == "--stop") {
      if (!*argv[i + 1]) fail(name + " wants a text that is not empty");
      if (name == "--stop") request.stops.push_back(argv[i + 1]);
      else request.prompt = argv[i + 1];
      continue;
    }
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
    else if (name == "--text") read_whole(name, value, 0, 1, request.text);
    else if (name == "--raw") read_whole(name, value, 0, 1, request.raw);
    else if (name == "--seed") read_whole(name, value, 0, int64_t(1) << 52, request.seed);
    else if (name == "--top-k") read_whole(name, value, 0, most, settings.sampler.top_k);
    else if (name == "--temperature" && value >= 0) settings.sampler.temperature = value;
    else if (name == "--top-p" && value > 0 && value <= 1) settings.sampler.top_p = value;
    else if (name == "--temperature") fail("--temperature must be 0 or more");
    else if (name == "--top-p") fail("--top-p must be above 0 and at most 1");
    else fail("unknown option " + shown(name));
  }
  request.text |= !request.prompt.empty();
  if (!request.text && (request.raw || !request.stops.empty()))
    fail("--raw and --stop are about text; give --prompt TEXT or --text 1");
  settings.sampler.random.seed(request.seed);
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

int main(int argc, char** argv) try {
  Request request = parse(argc, argv);
  Settings& settings = request.settings;
  check_file(argv[1], settings.verify);
  if (settings.threads > 0)
    executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(settings.threads);
  Model model(argv[1]);
  std::unique_ptr<Prompter> prompter;
  if (request.text) prompter = std::make_unique<Prompter>(argv[1], request.raw);
  std::string line = request.prompt;
  for (bool more = true; more; more = request.prompt.empty()) {
    if (request.prompt.empty() && !std::getline(std::cin, line)) break;
    const Ids prompt = prompter ? prompter->ids(line) : parse_prompt(line);
    const auto began = std::chrono::steady_clock::now();
    const int64_t before = model.forwards;
    Answer answering(model, settings, prompt);
    std::unique_ptr<Writer> writer;
    if (prompter) {
      writer = std::make_unique<Writer>(prompter->tokenizer, request.stops, stdout);
      answering.seen = [&](const Ids& ids) { return writer->take(ids), writer->stopped; };
    }
    const Ids answer = answering.run();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
    const double seconds = elapsed.count();
    if (!writer) print(answer);
    else writer->take(answer), writer->finish();
    std::fprintf(stderr, "%zu tokens, %lld forwards, %.2f s, %.1f tokens/s\n", answer.size(),
                 static_cast<long long>(model.forwards - before), seconds,
                 answer.size() / seconds);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "runner: %s\n", error.what());
  return 1;
}
