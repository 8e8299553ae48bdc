// Ids of texts, to compare tokenizers by: tokens tokenizer.json < texts > ids
//
// A text a line, as a JSON string; a line of ids, then their text, as hexadecimal bytes.
// tokens --identity model.pte: the number of the files beside it.
#include <cstdio>
#include <iostream>
#include "tokenizer_files.h"

int main(int argc, char** argv) try {
  if (argc == 3 && std::string(argv[1]) == "--identity") {
    std::printf("%lld\n", static_cast<long long>(saved_identity(argv[2])));
    return 0;
  }
  if (argc != 2) fail("usage: tokens tokenizer.json < texts > ids, or --identity model.pte");
  const std::string file = contents(argv[1]);
  const Tokenizer tokenizer(JsonReader(file).whole());
  for (std::string line; std::getline(std::cin, line);) {
    const Ids ids = tokenizer.encode(JsonReader(line).whole().text);
    std::string text;
    for (int64_t id : ids) {
      std::printf("%lld ", static_cast<long long>(id));
      text += tokenizer.piece(id, text.empty());
    }
    std::printf("\n");
    for (unsigned char byte : text) std::printf("%02x", byte);
    std::printf("\n");
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tokens: %s\n", error.what());
  return 1;
}
