// Whether an exported file is whole: what it is, how long it should be, its checksum.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>
#include "../../model/cpp/errors.h"

// CRC-32 of bytes, eight at a time; `crc` is that of the bytes before.
inline uint32_t crc32(const unsigned char* data, size_t size, uint32_t crc) {
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

// Whether a file begins with as many bytes, and their CRC-32.
inline bool read_crc(std::istream& file, uint64_t size, uint32_t& crc) {
  std::vector<char> part(1 << 20);
  file.clear();
  file.seekg(0);
  for (crc = 0; size;) {
    const size_t count = std::min<uint64_t>(size, part.size());
    if (!file.read(part.data(), count)) return false;
    crc = crc32(reinterpret_cast<unsigned char*>(part.data()), count, crc);
    size -= count;
  }
  return true;
}

inline uint64_t little_endian(const char* data, int bytes) {
  uint64_t value = 0;
  while (bytes--) value = value << 8 | static_cast<unsigned char>(data[bytes]);
  return value;
}

// The end of an exported file: how many bytes are before it, and their CRC-32.
struct Seal {
  static constexpr uint64_t bytes = 20;
  bool there = false;
  uint64_t size = 0;
  uint32_t crc = 0;

  explicit Seal(std::istream& file) {
    char data[bytes] = {};
    file.clear();
    if (!file.seekg(-int64_t(bytes), std::ios::end).read(data, bytes)) return;
    there = !std::memcmp(data, "DLEXSEAL", 8);
    size = little_endian(data + 8, 8);
    crc = little_endian(data + 16, 4);
  }
};

// Refuse a file that is no program, was cut short or was changed.
inline void check_file(const std::string& path, bool verify) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(path + " cannot be read");
  const uint64_t size = static_cast<uint64_t>(file.tellg());
  char head[40];
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
  const Seal seal(file);
  if (!seal.there && expected && size != expected)
    fail(path + " is damaged: its checksum is unreadable; copy or export it again");
  if (!seal.there) {
    std::fprintf(stderr, "runner: %s has no checksum; export it again\n", path.c_str());
    return;
  }
  uint32_t crc = 0;
  if (seal.size != size - Seal::bytes || !read_crc(file, seal.size, crc) || crc != seal.crc)
    fail(path + " is damaged: its bytes are not those that were written; copy or export it again");
}
