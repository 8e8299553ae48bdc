// Steps of a file as numbers, to compare machines by: probe model.pte < steps > numbers
//
// A step a line: start, end, rule, then the tokens of positions start … end. For each token come
// 32-bit floats: the best id, its confidence, and the logits of all tokens.
#include <iostream>
#include <sstream>
#include "model.h"

int main(int argc, char** argv) try {
  if (argc != 2) fail("usage: probe model.pte < steps > numbers");
  check_file(argv[1], true);
  Model model(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int64_t start = 0, end = 0, rule = 0;
    words >> start >> end >> rule;
    Ids sequence(start, 0);
    for (int64_t token; words >> token;) sequence.push_back(token);
    if (start < 0 || int64_t(sequence.size()) != end) fail("a step is not whole: " + shown(line));
    const Prediction prediction = model.step(sequence, start, end, rule, true);
    for (int64_t row = 0; row < end - start; ++row) {
      const float head[] = {float(prediction.ids[row]), prediction.confidence[row]};
      std::fwrite(head, sizeof(float), 2, stdout);
      std::fwrite(&prediction.logits[row * model.vocab], sizeof(float), model.vocab, stdout);
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "probe: %s\n", error.what());
  return 1;
}
