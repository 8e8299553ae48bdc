// Text to token ids and back: byte-level BPE, or a word a token, from a tokenizer.json.
#pragma once
#include <array>
#include <fstream>
#include <functional>
#include <queue>
#include <unordered_map>
#include "compose.h"
#include "unicode.h"

// A text as characters; `at[i]` is the byte where the i-th begins, and one more is the end.
struct Characters {
  std::vector<uint32_t> codes;
  std::vector<size_t> at;

  explicit Characters(const std::string& text) {
    for (size_t i = 0; i < text.size();) {
      const auto first = static_cast<unsigned char>(text[i]);
      const int more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      uint32_t code = more ? first & (0x3f >> more) : first;
      for (int k = 1; k <= more; ++k) {
        const unsigned char byte = i + k < text.size() ? text[i + k] : 0;
        if (byte >> 6 != 2) fail("the text is no UTF-8 at byte " + std::to_string(i));
        code = code << 6 | (byte & 0x3f);
      }
      if (utf8(code) != text.substr(i, more + 1) || code > 0x10ffff || code >> 11 == 27)
        fail("the text is no UTF-8 at byte " + std::to_string(i));
      codes.push_back(code);
      at.push_back(i);
      i += more + 1;
    }
    at.push_back(text.size());
  }
};

// How a text is cut into words, which are then tokenized one by one.
struct Cutter {
  bool digits_alone = false;  // each digit is a word, before the rest is cut
  int numbers = 0;            // 0: GPT-2's pattern; else GPT-4's with this many digits in a number

  // The end of the characters from `i` that are in a class.
  template <class Class>
  static size_t run(const std::vector<uint32_t>& text, size_t i, size_t end, Class in) {
    while (i < end && in(text[i])) ++i;
    return i;
  }
  static bool letter(uint32_t c) { return letters().has(c); }
  static bool number(uint32_t c) { return ::numbers().has(c); }
  static bool space(uint32_t c) { return spaces().has(c); }
  static bool other(uint32_t c) { return !letter(c) && !number(c) && !space(c); }
  static bool line_end(uint32_t c) { return c == '\r' || c == '\n'; }

  // The end of a contraction ('s, 'll …) at `i`, or `i`; GPT-4's pattern takes capitals too.
  size_t contraction(const std::vector<uint32_t>& text, size_t i, size_t end) const {
    if (text[i] != '\'') return i;
    std::string next;
    for (size_t k = i + 1; k < std::min(i + 3, end); ++k) {
      uint32_t c = text[k];
      if (numbers && c >= 'A' && c <= 'Z') c += 32;
      if (numbers && c == 0x17f) c = 's';  // the long s is an s where case is ignored
      next += c < 128 ? char(c) : '?';
    }
    for (const char* one : {"s", "t", "re", "ve", "m", "ll", "d"})
      if (!next.compare(0, std::string(one).size(), one)) return i + 1 + std::string(one).size();
    return i;
  }

  // White space at `i`: all of it at the end, else all but the last, which joins what follows.
  static size_t blank(const std::vector<uint32_t>& text, size_t i, size_t end) {
    const size_t stop = run(text, i, end, space);
    return stop == end || stop == i + 1 ? stop : stop - 1;
  }

  // The end of the word at `i`, by the pattern
  // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  size_t gpt2(const std::vector<uint32_t>& text, size_t i, size_t end) const {
    const size_t after = contraction(text, i, end);
    if (after > i) return after;
    const size_t start = i + (text[i] == ' ');
    if (start < end && letter(text[start])) return run(text, start, end, letter);
    if (start < end && number(text[start])) return run(text, start, end, number);
    if (start < end && other(text[start])) return run(text, start, end, other);
    return blank(text, i, end);
  }

  // The end of the word at `i`, by the pattern (i: in any case; K: as many digits)
  // (?i:'s|'t|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,K}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  size_t gpt4(const std::vector<uint32_t>& text, size_t i, size_t end) const {
    const size_t after = contraction(text, i, end);
    if (after > i) return after;
    const uint32_t c = text[i];
    const bool before = !line_end(c) && !letter(c) && !number(c);
    if (i + before < end && letter(text[i + before])) return run(text, i + before, end, letter);
    if (number(c)) return run(text, i, std::min(end, i + numbers), number);
    const size_t start = i + (c == ' ');
    if (start < end && other(text[start]))
      return run(text, run(text, start, end, other), end, line_end);
    size_t last = run(text, i, end, space);  // behind the last line end of the white space
    while (last > i && !line_end(text[last - 1])) --last;
    return last > i ? last : blank(text, i, end);
  }

  // The words of characters begin … end, as where each ends.
  std::vector<size_t> words(const std::vector<uint32_t>& text, size_t begin, size_t end) const {
    std::vector<size_t> ends;
    while (begin < end) {
      size_t stop = digits_alone ? run(text, begin, end, [](uint32_t c) { return !number(c); })
                                 : end;
      if (stop == begin) ends.push_back(++begin);  // a digit
      for (; begin < stop; begin = ends.back())
        ends.push_back(numbers ? gpt4(text, begin, stop) : gpt2(text, begin, stop));
    }
    return ends;
  }
};

// Byte-level BPE of a word: neighbours are merged, the earliest learned pair first.
class Merges {
  struct Merge { int64_t rank, id; };
  std::unordered_map<uint64_t, Merge> merges;  // of two ids

  const Merge* find(int64_t left, int64_t right) const {
    const auto found = merges.find(uint64_t(left) << 32 | uint64_t(right));
    return found == merges.end() ? nullptr : &found->second;
  }

 public:
  void add(int64_t rank, int64_t left, int64_t right, int64_t id) {
    merges[uint64_t(left) << 32 | uint64_t(right)] = {rank, id};
  }

  void apply(Ids& ids) const {
    const size_t count = ids.size();
    std::vector<size_t> next(count), before(count);  // neighbours that are still there
    using Candidate = std::array<int64_t, 3>;  // rank, place of the left token, what they become
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<Candidate>> queue;
    auto propose = [&](size_t left) {
      if (left >= count || next[left] >= count) return;
      if (const Merge* merge = find(ids[left], ids[next[left]]))
        queue.push({merge->rank, int64_t(left), merge->id});
    };
    for (size_t i = 0; i < count; ++i) {
      next[i] = i + 1;
      before[i] = i ? i - 1 : count;  // count: there is none
    }
    for (size_t i = 0; i < count; ++i) propose(i);
    while (!queue.empty()) {
      const auto [rank, place, id] = queue.top();
      queue.pop();
      const size_t left = place;
      if (ids[left] < 0 || next[left] >= count) continue;
      const Merge* merge = find(ids[left], ids[next[left]]);
      if (!merge || merge->rank != rank) continue;  // one of the two has changed since
      const size_t right = next[left];
      ids[left] = id;
      ids[right] = -1;
      next[left] = next[right];
      if (next[left] < count) before[next[left]] = left;
      propose(before[left]);
      propose(left);
    }
    ids.erase(std::remove(ids.begin(), ids.end(), -1), ids.end());
  }
};

// The tokenizer of a tokenizer.json. What it does not know it refuses by name.
class Tokenizer {
  struct Added { std::string text; int64_t id; };
  std::vector<Added> added;  // found in a text as they are, the longest first
  std::unordered_map<std::string, int64_t> vocab;
  std::vector<std::string> pieces;  // the bytes of each id
  std::vector<bool> special;
  std::array<int64_t, 256> of_byte;  // the token of a byte; -1: it has none
  Merges merges;
  Cutter cutter;
  bool whole_words = false;  // a word is a token (WordLevel), joined by spaces
  bool composed = false;     // the text is composed first (NFC)
  bool composed_whole = false;  // before added tokens are looked for, else between them
  bool known_first = false;  // a word that is a token is not cut (ignore_merges)
  int64_t unknown = -1;

  [[noreturn]] static void unlike(const std::string& field, const Json& value) {
    const Json& type = value["type"];
    const std::string said = (type.text.empty() ? value : type).text.substr(0, 60);
    fail("this runner does not know the tokenizer's " + field + (said.empty() ? "" : " " + said) +
         "; give token ids instead of text");
  }

  // The character that stands for a byte in a byte-level vocabulary.
  static std::array<uint32_t, 256> byte_characters() {
    std::array<uint32_t, 256> found;
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printed = (b > 32 && b < 127) || (b > 160 && b != 173);
      found[b] = printed ? b : next++;
    }
    return found;
  }

  void read_pre_tokenizer(const Json& part) {
    static const std::string start =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}";
    static const std::string end = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const Json& type = part["type"];
    if (type.is("Sequence")) {
      for (const Json& each : part["pretokenizers"].items) read_pre_tokenizer(each);
    } else if (type.is("ByteLevel") && part["add_prefix_space"].is(false)) {
      if (part["use_regex"].is(false) && !cutter.numbers) unlike("pattern: none", part);
      if (!part["use_regex"].is(false) && cutter.numbers) unlike("second pattern in", part);
    } else if (type.is("Digits") && part["individual_digits"].is(true) && !cutter.numbers) {
      cutter.digits_alone = true;
    } else if (type.is("Split") && part["behavior"].is("Isolated") && part["invert"].is(false)) {
      const Json& pattern = part["pattern"]["Regex"];
      if (pattern.is((start + end).c_str())) cutter.numbers = 1;
      else if (pattern.is((start + "{1,3}" + end).c_str())) cutter.numbers = 3;
      else unlike("pattern", pattern);
    } else unlike("pre_tokenizer", part);
  }

  void set_piece(int64_t id, const std::string& bytes, bool is_special = false) {
    if (id < 0 || id > 1 << 24) fail("the tokenizer has the id " + std::to_string(id));
    if (size_t(id) >= pieces.size()) pieces.resize(id + 1), special.resize(id + 1);
    pieces[id] = bytes;
    special[id] = is_special;
  }

  // The bytes that a token of a byte-level vocabulary writes; as it is, if it is none.
  static std::string byte_piece(const std::string& token) {
    static const auto byte_of = [] {
      std::unordered_map<uint32_t, char> found;
      const auto characters = byte_characters();
      for (int b = 0; b < 256; ++b) found[characters[b]] = char(b);
      return found;
    }();
    std::string bytes;
    for (uint32_t c : Characters(token).codes) {
      if (!byte_of.count(c)) return token;
      bytes += byte_of.at(c);
    }
    return bytes;
  }

  int64_t id_of(const std::string& token) const {
    const auto found = vocab.find(token);
    return found == vocab.end() ? -1 : found->second;
  }

  void read_merges(const Json& list) {
    for (size_t rank = 0; rank < list.items.size(); ++rank) {
      const Json& pair = list.items[rank];
      std::string left, right;
      if (pair.kind == Json::list && pair.items.size() == 2) {
        left = pair.items[0].text, right = pair.items[1].text;
      } else {
        const size_t space = pair.text.find(' ');
        if (space == std::string::npos) fail("a merge of the tokenizer is no pair");
        left = pair.text.substr(0, space), right = pair.text.substr(space + 1);
      }
      const int64_t one = id_of(left), other = id_of(right), both = id_of(left + right);
      if (one < 0 || other < 0 || both < 0) fail("a merge of the tokenizer makes no token");
      merges.add(rank, one, other, both);
    }
  }

  void read_model(const Json& model) {
    for (const char* field : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
      if (model[field].kind != Json::null && !model[field].is("")) unlike(field, model[field]);
    if (model["byte_fallback"].is(true)) unlike("byte_fallback", model);
    whole_words = model["type"].is("WordLevel");
    if (!whole_words && !model["type"].is("BPE")) unlike("model", model);
    if (!whole_words && model["unk_token"].kind != Json::null) unlike("unk_token", model);
    const Json& table = model["vocab"];
    if (table.kind != Json::object) unlike("vocabulary", table);
    for (size_t i = 0; i < table.items.size(); ++i) {
      const std::string& token = table.names[i];
      vocab[token] = int64_t(table.items[i].value);
      set_piece(vocab[token], whole_words ? token : byte_piece(token));
    }
    if (whole_words) unknown = id_of(model["unk_token"].text);
    known_first = model["ignore_merges"].is(true);
    const auto characters = byte_characters();
    for (int b = 0; b < 256; ++b) of_byte[b] = id_of(utf8(characters[b]));
    read_merges(model["merges"]);
  }

  void read_added(const Json& list) {
    const Json& normalized = list.items.empty() ? list : list.items[0]["normalized"];
    composed_whole = composed && normalized.is(true);
    for (const Json& each : list.items) {
      if (each["normalized"].value != normalized.value)
        unlike("added tokens of two kinds, for instance", each["content"]);
      for (const char* field : {"single_word", "lstrip", "rstrip"})
        if (each[field].is(true)) unlike(std::string("added token with ") + field, each["content"]);
      const int64_t id = int64_t(each["id"].value);
      added.push_back({each["content"].text, id});
      if (added.back().text.empty()) added.pop_back();
      set_piece(id, each["content"].text, each["special"].is(true));
    }
    std::stable_sort(added.begin(), added.end(), [](const Added& one, const Added& other) {
      return one.text.size() > other.text.size();
    });
  }

  // The ids that stand before a raw text (a beginning of text).
  void read_beginning(const Json& part) {
    if (part["type"].is("Sequence"))
      for (const Json& each : part["processors"].items) read_beginning(each);
    if (!part["type"].is("TemplateProcessing")) {
      if (part.kind != Json::null && !part["type"].is("ByteLevel") && !part["type"].is("Sequence"))
        unlike("post_processor", part);
      return;
    }
    for (const Json& each : part["single"].items) {
      if (each["Sequence"].kind == Json::object) break;
      const Json& token = part["special_tokens"][each["SpecialToken"]["id"].text];
      for (const Json& id : token["ids"].items) beginning.push_back(int64_t(id.value));
    }
  }

  // The ids of one word of a byte-level vocabulary.
  void add_word(const std::string& word, Ids& ids) const {
    if (known_first) {
      std::string token;
      static const auto characters = byte_characters();
      for (unsigned char byte : word) token += utf8(characters[byte]);
      if (id_of(token) >= 0) return ids.push_back(id_of(token));
    }
    Ids parts;
    for (unsigned char byte : word)
      if (of_byte[byte] >= 0) parts.push_back(of_byte[byte]);
    merges.apply(parts);
    ids.insert(ids.end(), parts.begin(), parts.end());
  }

  static std::string compose(const std::string& text) {
    const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (std::all_of(text.begin(), text.end(), plain)) return text;
    std::string found;
    for (uint32_t c : Composer::instance().compose(Characters(text).codes)) found += utf8(c);
    return found;
  }

  // The ids of a text without added tokens.
  void add_text(const std::string& given, Ids& ids) const {
    const std::string text = composed && !composed_whole ? compose(given) : given;
    const Characters characters(text);
    const auto& codes = characters.codes;
    if (whole_words) return add_spaced(text, ids);
    size_t begin = 0;
    for (size_t end : cutter.words(codes, 0, codes.size())) {
      const size_t from = characters.at[begin];
      add_word(text.substr(from, characters.at[end] - from), ids);
      begin = end;
    }
  }

  void add_spaced(const std::string& text, Ids& ids) const {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const int64_t id = id_of(word) < 0 ? unknown : id_of(word);
      if (id >= 0) ids.push_back(id);
    }
  }

 public:
  Ids beginning;  // what the tokenizer puts before a raw text

  explicit Tokenizer(const Json& file) {
    const Json& cut = file["pre_tokenizer"];
    const Json& normalizer = file["normalizer"];
    if (normalizer.kind != Json::null && !normalizer["type"].is("NFC"))
      unlike("normalizer", normalizer);
    composed = normalizer.kind != Json::null;
    read_model(file["model"]);
    if (whole_words && !cut["type"].is("WhitespaceSplit")) unlike("pre_tokenizer", cut);
    if (!whole_words) read_pre_tokenizer(cut);
    const Json& decoder = file["decoder"];
    if (whole_words ? decoder.kind != Json::null : !decoder["type"].is("ByteLevel"))
      unlike("decoder", decoder);
    read_added(file["added_tokens"]);
    read_beginning(file["post_processor"]);
  }

  // The ids of a text; special tokens in it are recognised.
  Ids encode(const std::string& given) const {
    const std::string text = composed_whole ? compose(given) : given;
    Ids ids;
    size_t plain = 0;  // where the text after the last added token begins
    for (size_t i = 0; i < text.size();) {
      const Added* found = nullptr;
      for (const Added& each : added)
        if (!text.compare(i, each.text.size(), each.text)) {
          found = &each;
          break;
        }
      if (!found) { ++i; continue; }
      add_text(text.substr(plain, i - plain), ids);
      ids.push_back(found->id);
      plain = i += found->text.size();
    }
    add_text(text.substr(plain), ids);
    return ids;
  }

  // A special token that a text spells, or none.
  const std::string* spelled(const std::string& text) const {
    for (const Added& each : added)
      if (special[each.id] && !each.text.empty() && text.find(each.text) != std::string::npos)
        return &each.text;
    return nullptr;
  }

  // The bytes of the longest special token that a text spells at a byte; 0: none.
  size_t special_size(const std::string& text, size_t at) const {
    size_t size = 0;
    for (const Added& each : added)
      if (special[each.id] && each.text.size() > size &&
          !text.compare(at, each.text.size(), each.text))
        size = each.text.size();
    return size;
  }

  // The text of a special token, or none for other ids.
  const std::string* special_token(int64_t id) const {
    if (id < 0 || size_t(id) >= pieces.size() || !special[id]) return nullptr;
    for (const Added& each : added)
      if (each.id == id) return &each.text;
    return nullptr;
  }

  // The bytes that an id adds to a text, of which `first` is the beginning; none for special ones.
  std::string piece(int64_t id, bool first) const {
    if (id < 0 || size_t(id) >= pieces.size() || special[id]) return "";
    return (whole_words && !first ? " " : "") + pieces[id];
  }
};

// The whole of a file. Fails, naming it, where it cannot be read.
inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}
