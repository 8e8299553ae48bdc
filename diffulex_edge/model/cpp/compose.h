// Composing a text: Unicode's normalization form C, as the tokenizers library does it.
#pragma once
#include <sstream>
#include <unordered_map>
#include "composed.h"
#include "json.h"

class Composer {
  using Codes = std::vector<uint32_t>;
  std::unordered_map<uint32_t, Codes> parts;         // of a character, of which some have parts
  std::unordered_map<uint64_t, uint32_t> composed;   // of two
  std::unordered_map<uint32_t, uint32_t> classes;    // of a mark
  static constexpr uint32_t syllable = 0xac00, lead = 0x1100, vowel = 0x1161, tail = 0x11a7;

  // The rows of a table: numbers up to a semicolon, the first of them as a gap.
  static std::vector<Codes> rows(const char* table) {
    std::vector<Codes> found;
    std::istringstream lines(table);
    uint32_t code = 0;
    for (std::string line; std::getline(lines, line, ';');) {
      std::istringstream numbers(line);
      Codes row;
      for (uint32_t number; numbers >> std::hex >> number;) row.push_back(number);
      if (row.empty()) continue;
      row[0] = code += row[0];
      found.push_back(row);
    }
    return found;
  }

  Composer() {
    for (const Codes& row : rows(composing_pairs())) {
      parts[row[0]] = {row[1], row[2]};
      composed[uint64_t(row[1]) << 32 | row[2]] = row[0];
    }
    for (const Codes& row : rows(composing_parts())) parts[row[0]] = {row.begin() + 1, row.end()};
    for (const Codes& row : rows(composing_classes())) classes[row[0]] = row[1];
  }

  uint32_t class_of(uint32_t c) const {
    const auto found = classes.find(c);
    return found == classes.end() ? 0 : found->second;
  }

  void take_apart(uint32_t c, Codes& out) const {
    if (c >= syllable && c < syllable + 11172) {
      const uint32_t at = c - syllable;
      out.insert(out.end(), {lead + at / 588, vowel + at % 588 / 28});
      if (at % 28) out.push_back(tail + at % 28);
      return;
    }
    const auto found = parts.find(c);
    if (found == parts.end()) return out.push_back(c);
    for (uint32_t part : found->second) take_apart(part, out);
  }

  // What two characters become; 0: they stay.
  uint32_t pair(uint32_t one, uint32_t other) const {
    if (one >= lead && one < lead + 19 && other >= vowel && other < vowel + 21)
      return syllable + ((one - lead) * 21 + other - vowel) * 28;
    const bool open = one >= syllable && one < syllable + 11172 && (one - syllable) % 28 == 0;
    if (open && other > tail && other < tail + 28) return one + other - tail;
    const auto found = composed.find(uint64_t(one) << 32 | other);
    return found == composed.end() ? 0 : found->second;
  }

  // Put the marks behind each letter in the order of their classes.
  void order(Codes& codes) const {
    for (size_t i = 0; i < codes.size();) {
      size_t end = i;
      while (end < codes.size() && class_of(codes[end])) ++end;
      std::stable_sort(codes.begin() + i, codes.begin() + end, [&](uint32_t one, uint32_t other) {
        return class_of(one) < class_of(other);
      });
      i = end + 1;
    }
  }

 public:
  static const Composer& instance() {
    static const Composer found;
    return found;
  }

  Codes compose(const Codes& text) const {
    Codes apart, found;
    for (uint32_t c : text) take_apart(c, apart);
    order(apart);
    size_t letter = SIZE_MAX;  // the place of the last character that is no mark
    uint32_t before = 0;       // the class of the character before
    for (uint32_t c : apart) {
      const uint32_t own = class_of(c);
      const bool reaches = letter + 1 == found.size() || (before && before < own);
      const uint32_t both = letter < found.size() && reaches ? pair(found[letter], c) : 0;
      if (both) {
        found[letter] = both;
        continue;
      }
      if (!own) letter = found.size();
      before = own;
      found.push_back(c);
    }
    return found;
  }
};
