// Generates with an exported diffusion language model: token ids in, token ids out.
//
//   runner model.pte [--max-new-tokens N] [--iterations N] [--threshold P]
//                    [--block-size N] [--cached 1] [--threads N] [--verify 0] < prompts
//
// One prompt a line, ids separated by spaces; one answer a line. Timings go to stderr.
// Everything about the model is read from the file's constants; nothing but ExecuTorch is needed.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include "answer.h"

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
