// What every part shares: ids, and errors that are one sentence.
#pragma once
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using Ids = std::vector<int64_t>;

[[noreturn]] inline void fail(const std::string& why) { throw std::runtime_error(why); }

// What a user wrote, as it can be shown: no control characters, and not all of it.
inline std::string shown(std::string text) {
  text.resize(std::min<size_t>(text.size(), 60));
  for (char& c : text)
    if (c < 32 || c > 126) c = '?';
  return text;
}
