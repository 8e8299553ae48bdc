// The two files of a tokenizer, and the number by which a .pte knows its own.
#pragma once
#include <array>
#include <cmath>
#include <sys/stat.h>
#include "tokenizer.h"

inline bool is_file(const std::string& path) {
  struct stat about {};
  return !stat(path.c_str(), &about) && S_ISREG(about.st_mode);
}

// Where the tokenizer of a program is. The program of a published folder takes the folder's.
inline std::array<std::string, 2> token_files(const std::string& pte) {
  const size_t name = pte.rfind('/') + 1, dot = pte.rfind(".pte");
  const std::string folder = pte.substr(0, name);
  const bool published = pte.substr(name) == "model.pte" && is_file(folder + "SHA256SUMS");
  std::string stem = (dot + 4 == pte.size() ? pte.substr(0, dot) : pte) + '.';
  if (published) stem = folder;
  return {stem + "tokenizer.json", stem + "tokenizer_config.json"};
}

// SHA-256 (FIPS 180-4) of 64 bytes after 64 bytes.
class Sha256 {
  std::array<uint32_t, 64> constant{};

  // The first 32 bits of a number's fraction.
  static uint32_t fraction(double x) { return uint32_t((x - std::floor(x)) * 4294967296.0); }
  static uint32_t turned(uint32_t x, int n) { return x >> n | x << (32 - n); }

 public:
  std::array<uint32_t, 8> state{};

  Sha256() {
    int found = 0;
    for (int n = 2; found < 64; ++n) {
      bool prime = true;
      for (int d = 2; d * d <= n; ++d) prime = prime && n % d;
      if (!prime) continue;
      if (found < 8) state[found] = fraction(std::sqrt(double(n)));
      constant[found++] = fraction(std::cbrt(double(n)));
    }
  }

  void take(const unsigned char* block) {
    std::array<uint32_t, 64> w{};
    for (int i = 0; i < 64; ++i) w[i / 4] = w[i / 4] << 8 | block[i];
    for (int i = 16; i < 64; ++i) {
      const uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) +
             (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (int i = 0; i < 64; ++i) {
      const uint32_t one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                           ((e & f) ^ (~e & g)) + constant[i] + w[i];
      const uint32_t two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
                           ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    const std::array<uint32_t, 8> more{a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; ++i) state[i] += more[i];
  }
};

// The first eight bytes of a text's SHA-256, the least first.
inline uint64_t sha256_start(std::string text) {
  const uint64_t bits = 8 * uint64_t(text.size());
  text += '\x80';
  text.append((120 - text.size() % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) text += char(bits >> shift);
  Sha256 hash;
  for (size_t i = 0; i < text.size(); i += 64)
    hash.take(reinterpret_cast<const unsigned char*>(&text[i]));
  uint64_t start = 0;
  for (int i = 7; i >= 0; --i) start = start << 8 | (hash.state[i / 4] >> (24 - i % 4 * 8) & 255);
  return start;
}

// The number of the files beside a program, as `saved_identity` in Python; a missing one is empty.
inline int64_t saved_identity(const std::string& pte) {
  std::string all;
  for (const std::string& path : token_files(pte)) {
    const std::string text = is_file(path) ? contents(path) : "";
    for (int shift = 0; shift < 64; shift += 8) all += char(uint64_t(text.size()) >> shift);
    all += text;
  }
  return int64_t(sha256_start(all) % 0x7fffffffffffffffu) + 1;
}
