// JSON as a tree, just enough to read tokenizer.json.
#pragma once
#include <cstdlib>
#include <utility>
#include "errors.h"

// The UTF-8 bytes of a character.
inline std::string utf8(uint32_t c) {
  std::string bytes;
  if (c < 0x80) return {char(c)};
  if (c < 0x800) bytes += char(0xc0 | c >> 6);
  if (c >= 0x800 && c < 0x10000) bytes += char(0xe0 | c >> 12);
  if (c >= 0x10000) bytes += {char(0xf0 | c >> 18), char(0x80 | (c >> 12 & 63))};
  if (c >= 0x800) bytes += char(0x80 | (c >> 6 & 63));
  return bytes += char(0x80 | (c & 63));
}

struct Json {
  enum Kind { null, boolean, number, string, list, object } kind = null;
  double value = 0;  // of a number, or 1 for true
  std::string text;
  std::vector<Json> items;          // of a list, or the values of an object
  std::vector<std::string> names;   // of an object's values

  // The value of a name; null for what is not there.
  const Json& operator[](const std::string& name) const {
    static const Json nothing;
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i] == name) return items[i];
    return nothing;
  }
  bool is(bool wanted) const { return kind == boolean && value == wanted; }
  bool is(const char* wanted) const { return kind == string && text == wanted; }
};

class JsonReader {
  const std::string& data;
  size_t at = 0;

  [[noreturn]] void bad() const { fail("no JSON at byte " + std::to_string(at)); }

  char next() {
    while (at < data.size() && std::string(" \t\r\n").find(data[at]) != std::string::npos) ++at;
    if (at == data.size()) bad();
    return data[at];
  }

  bool take(char wanted) {
    if (next() != wanted) return false;
    ++at;
    return true;
  }

  void word(const char* wanted) {
    const std::string text = wanted;
    if (data.compare(at, text.size(), text)) bad();
    at += text.size();
  }

  uint32_t hex4() {
    if (at + 4 > data.size()) bad();
    char* rest;
    const std::string digits = data.substr(at, 4);
    const uint32_t unit = std::strtoul(digits.c_str(), &rest, 16);
    if (*rest) bad();
    at += 4;
    return unit;
  }

  std::string escaped() {
    static const std::string names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    const char c = data[at++];
    if (c != 'u') {
      const size_t place = names.find(c);
      if (place == std::string::npos) bad();
      return {values[place]};
    }
    uint32_t unit = hex4();
    if (unit >= 0xd800 && unit < 0xdc00) {  // the first half of a pair
      word("\\u");
      const uint32_t low = hex4();
      if (low < 0xdc00 || low > 0xdfff) bad();
      unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
    }
    return utf8(unit);
  }

  std::string quoted() {
    std::string text;
    if (!take('"')) bad();
    while (at + 1 < data.size() && data[at] != '"') {
      if (data[at] == '\\') text += (++at, escaped());
      else text += data[at++];
    }
    if (at >= data.size()) bad();
    ++at;
    return text;
  }

  // Values up to `end`, each with a name in an object.
  Json group(Json::Kind kind, char end, int depth) {
    Json found;
    found.kind = kind;
    ++at;
    if (take(end)) return found;
    do {
      if (kind == Json::object) {
        found.names.push_back((next(), quoted()));
        if (!take(':')) bad();
      }
      found.items.push_back(read(depth + 1));
    } while (take(','));
    if (!take(end)) bad();
    return found;
  }

  Json read(int depth) {
    if (depth > 64) bad();
    Json found;
    const char c = next();
    if (c == '{') return group(Json::object, '}', depth);
    if (c == '[') return group(Json::list, ']', depth);
    if (c == 'n') return word("null"), found;
    found.kind = c == '"' ? Json::string : c == 't' || c == 'f' ? Json::boolean : Json::number;
    if (c == '"') return found.text = quoted(), found;
    if (c == 't') return word("true"), found.value = 1, found;
    if (c == 'f') return word("false"), found;
    char* rest;
    found.value = std::strtod(data.c_str() + at, &rest);
    if (rest == data.c_str() + at) bad();
    at = rest - data.c_str();
    return found;
  }

 public:
  explicit JsonReader(const std::string& data) : data(data) {}

  Json whole() {
    const Json found = read(0);
    while (at < data.size())
      if (std::string(" \t\r\n").find(data[at++]) == std::string::npos) bad();
    return found;
  }
};
