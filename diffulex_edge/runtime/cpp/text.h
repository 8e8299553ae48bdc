// Text in and out: the tokenizer beside a file, the turn of a conversation, stop strings.
#pragma once
#include <cstdio>
#include "../../model/cpp/tokenizer_files.h"

inline Json json_file(const std::string& path) {
  const std::string text = contents(path);
  try {
    return JsonReader(text).whole();
  } catch (const std::exception& error) {
    fail(path + ": " + error.what() + "; export the model again");
  }
}

// The files of a program's tokenizer. Fails where they are another's.
inline std::array<std::string, 2> checked(const std::string& pte, int64_t number) {
  const auto files = token_files(pte);
  if (!number || !is_file(files[0]) || saved_identity(pte) == number) return files;
  fail(files[0] + " or " + files[1].substr(files[1].rfind('/') + 1) + " is not what " + pte +
       " was exported with; put the right ones beside it, or export it again");
}

inline std::string trimmed(const std::string& text) {
  const char* space = " \t\n\r\v\f";
  const size_t begin = std::min(text.find_first_not_of(space), text.size());
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

// How a prompt becomes ids: as turns of a conversation where the model has a chat template.
class Prompter {
  Json turn, reason;
  bool raw;

 public:
  const Tokenizer tokenizer;

  // `number`: what stands for the tokenizer in the program, 0 where it does not say.
  Prompter(const std::string& pte, int64_t number, bool raw)
      : raw(raw), tokenizer(json_file(checked(pte, number)[0])) {
    const Json config = json_file(token_files(pte)[1]);
    turn = config["turn"];
    reason = config["no_turn"];
    if (config["chat_template"].kind == Json::null) this->raw = true;
  }

  void add(const std::string& text, Ids& ids) const {
    const Ids more = tokenizer.encode(text);
    ids.insert(ids.end(), more.begin(), more.end());
  }

  // Put words behind a text. A special token that an answer spells is only text there: what stands
  // before it is encoded, then its characters one by one.
  void take(std::string& text, const std::string& words, Ids& ids) const {
    for (size_t at = 0; at < words.size();) {
      const size_t size = tokenizer.special_size(words, at);
      if (!size) { text += words[at++]; continue; }
      add(text, ids);
      for (const size_t end = at + size; at < end; add(text, ids)) {
        text = words[at++];
        while (at < end && (words[at] & 0xc0) == 0x80) text += words[at++];
      }
      text.clear();
    }
  }

  // The ids of what was said so far: a user's words, an answer, a user's words …
  Ids ids(const std::vector<std::string>& said) const {
    if (raw) {
      Ids ids = tokenizer.encode(said.back());
      const Ids& begin = tokenizer.beginning;
      const bool there = ids.size() >= begin.size() &&
                         std::equal(begin.begin(), begin.end(), ids.begin());
      if (!there) ids.insert(ids.begin(), begin.begin(), begin.end());
      return ids;
    }
    if (turn.kind != Json::object)
      fail("this model's chat template cannot be used here: " +
           (reason.text.empty() ? "the file is of an older version, export it again"
                                : reason.text) +
           "; give the whole prompt with --raw 1");
    if (said.size() > 1 && turn["between"].kind != Json::string)
      fail("this model's chat template does more with an answer than to put it between two texts, "
           "or the file is of an older version; leave out --chat, or export it again");
    Ids ids;
    std::string text = turn["before"].text;
    for (size_t i = 0; i < said.size(); ++i) {
      const bool answer = i % 2;
      if (answer && turn["thoughts"].is(false) && said[i].find("</think>") != std::string::npos)
        fail("this model's chat template changes an answer with </think>; "
             "begin a new conversation");
      const std::string* token = tokenizer.spelled(said[i]);
      if (token && !answer)
        fail("a message holds " + *token + ", a special token of this model; "
             "write it another way, or give the whole prompt with --raw 1");
      if (i) text += turn[answer ? "after" : "between"].text;
      const bool trims = turn[answer ? "trims_answer" : "trims"].is(true);
      take(text, trims ? trimmed(said[i]) : said[i], ids);
    }
    add(text + turn["after"].text, ids);
    return ids;
  }

  // The ids, with the oldest turns left out where `rows` do not hold them and an answer of up to
  // `tokens`, or half the rows; says how many it left out.
  Ids fitting(std::vector<std::string>& said, int64_t rows, int64_t tokens) const {
    const int64_t wanted = std::min(tokens, rows / 2);
    Ids found = ids(said);
    int forgotten = 0;
    for (; said.size() > 2 && int64_t(found.size()) + wanted > rows; ++forgotten) {
      said.erase(said.begin(), said.begin() + 2);
      found = ids(said);
    }
    if (forgotten)
      std::fprintf(stderr, "runner: %d oldest turns are forgotten: the cache has %lld rows\n",
                   forgotten, static_cast<long long>(rows));
    return found;
  }
};

// The answer as text: written as far as it is certain, cut where a stop string begins.
class Writer {
  const Tokenizer& tokenizer;
  const std::vector<std::string>& stops;
  FILE* out;
  std::string text;    // of the ids taken
  size_t taken = 0, written = 0;

  // How many bytes at the end may still become a stop string.
  size_t held() const {
    size_t most = 0;
    for (const std::string& stop : stops)
      for (size_t n = std::min(stop.size() - 1, text.size() - written); n > most; --n)
        if (!text.compare(text.size() - n, n, stop, 0, n)) most = n;
    return most;
  }

  // The length of the character at a byte, with `valid` whether it is one; 0: the text ends in it.
  size_t character(size_t at, bool& valid) const {
    const auto first = static_cast<unsigned char>(text[at]);
    const size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
                        : first < 0xf5 ? 4 : 0;
    valid = size > 0;
    size_t found = 1;
    for (; valid && found < size; ++found) {
      if (at + found >= text.size()) return 0;
      const auto byte = static_cast<unsigned char>(text[at + found]);
      const int least = found > 1 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
      const int most = found > 1 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
      if (byte < least || byte > most) { valid = false; break; }
    }
    return found;
  }

  // Write whole characters up to a byte; what is none becomes U+FFFD.
  void write(size_t end, bool last) {
    while (written < end) {
      bool valid;
      const size_t size = character(written, valid);
      if (!size && !last) break;
      const std::string piece = size && valid ? text.substr(written, size) : "\xef\xbf\xbd";
      std::fwrite(piece.data(), 1, piece.size(), out);
      said += piece;
      written = size ? written + size : end;
    }
    std::fflush(out);
  }

 public:
  bool stopped = false;
  std::string said;  // what has been written

  Writer(const Tokenizer& tokenizer, const std::vector<std::string>& stops, FILE* out)
      : tokenizer(tokenizer), stops(stops), out(out) {}

  // Whether an id is a special token, which has no text, that was given as a stop string.
  bool is_stop(int64_t id) const {
    const std::string* token = tokenizer.special_token(id);
    return token && std::find(stops.begin(), stops.end(), *token) != stops.end();
  }

  // The answer's final ids so far, the earlier calls' among them.
  void take(const Ids& ids) {
    const size_t before = text.size();
    for (; taken < ids.size() && !stopped; ++taken) {
      stopped = is_stop(ids[taken]);
      if (!stopped) text += tokenizer.piece(ids[taken], text.empty());
    }
    size_t cut = text.size();
    for (const std::string& stop : stops)
      cut = std::min(cut, text.find(stop, before - std::min(before, stop.size() - 1)));
    stopped = stopped || cut < text.size();
    text.resize(cut);
    write(text.size() - held(), false);
  }

  void finish() {
    write(text.size(), true);
    std::fputs("\n", out);
    std::fflush(out);
  }
};
