// Packed weights in a file: written by the first run of a program, mapped by the next ones.
#pragma once
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <set>
#include <sstream>
#include "model.h"
#ifndef EXECUTORCH_VERSION
#define EXECUTORCH_VERSION "unknown"
#endif

// The processor, as a number: kernels, and so the order of packed weights, depend on it.
inline uint32_t processor() {
  static const char* const fields[] = {"model name", "flags", "Features", "CPU part"};
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> lines;  // each once, however many cores there are
  for (std::string line; std::getline(file, line);)
    for (const char* field : fields)
      if (!line.compare(0, std::strlen(field), field)) lines.insert(line);
  uint32_t crc = 0;
  for (const std::string& line : lines)
    crc = crc32(reinterpret_cast<const unsigned char*>(line.data()), line.size(), crc);
  return crc;
}

class WeightsCache {
  std::string path, part, stamp;  // the file, what it is called until it is whole, what it is of
  bool verify = true;
  int folder = -1;  // locked as long as a file is made there

  // What packed weights depend on, before the file itself.
  static std::string origin(const std::string& pte) {
    std::ifstream file(pte, std::ios::binary);
    const Seal seal(file);
    if (!seal.there)
      fail(pte + " has no checksum to know its packed weights by; export it again, or leave out "
           "--weights-cache");
    std::ostringstream text;
    text << "packed weights 1 " << EXECUTORCH_VERSION << std::hex << ' ' << seal.size << ' '
         << seal.crc << ' ' << processor();
    return text.str();
  }

  // The stamp of a file of packed weights; without its checksum where nobody wants it verified.
  std::string stamp_of(const std::string& name) const {
    std::ifstream file(name, std::ios::binary | std::ios::ate);
    const uint64_t size = file ? uint64_t(file.tellg()) : 0;
    uint32_t crc = 0;
    if (verify && !read_crc(file, size, crc)) fail(name + " cannot be read");
    std::ostringstream text;
    text << stamp << std::hex << ' ' << size << ' ';
    if (verify) text << crc;
    return text.str();
  }

  bool fits() const {
    std::ifstream file(path + ".stamp");
    std::string written;
    if (!std::getline(file, written) || access(path.c_str(), R_OK)) return false;
    const std::string wanted = stamp_of(path);
    return verify ? written == wanted : !written.compare(0, wanted.size(), wanted);
  }

  // Lock the folder of the file; false where another process has locked it.
  bool lock() {
    const size_t name = path.rfind('/') + 1;
    const std::string where = name ? path.substr(0, name) : ".";
    folder = open(where.c_str(), O_RDONLY | O_DIRECTORY);
    if (folder < 0) fail("--weights-cache: " + path + " cannot be written");
    if (!flock(folder, LOCK_EX | LOCK_NB)) return true;
    if (errno == EWOULDBLOCK) return false;
    fail("--weights-cache: " + where + " cannot be locked; name a file on another disk");
  }

  // Remove what is not whole.
  void discard() const {
    unlink(part.c_str());
    unlink((part + ".stamp").c_str());
  }

  // Whether another process has the file to itself, as the backend of a superuser takes it.
  bool taken() const {
    const int file = open(path.c_str(), O_RDONLY);
    const bool free = file >= 0 && !flock(file, LOCK_SH | LOCK_NB);
    if (file >= 0) close(file);
    return !free;
  }

  void unlock() {
    if (folder >= 0) close(folder);
    folder = -1;
  }

 public:
  std::string given;  // to the backend; empty: weights are packed in memory

  // `path`: of the file, may be empty; `pte`: of a program whose bytes have been checked.
  WeightsCache(const std::string& path, const std::string& pte, bool verify)
      : path(path), verify(verify) {
    if (path.empty()) return;
    if (path.size() > 200) fail("--weights-cache takes a path of at most 200 bytes");
    stamp = origin(pte);
    if (fits()) {
      if (!taken()) given = path;
      else std::fprintf(stderr, "runner: %s is in use, so weights are packed in memory\n",
                        path.c_str());
      return;
    }
    if (!lock()) {
      std::fprintf(stderr, "runner: another run packs weights beside %s, so these are packed in "
                   "memory\n", path.c_str());
      return;
    }
    struct stat there {};
    if (!stat(path.c_str(), &there) && !S_ISREG(there.st_mode))  // it would be replaced
      fail("--weights-cache: " + path + " is no ordinary file; name another");
    part = given = path + ".part";
    discard();  // what a run that was killed has left
    const int file = open(part.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0) part.clear(), fail("--weights-cache: " + path + " cannot be written");
    close(file);
  }

  // Once the program is loaded: give the file its name, with its stamp beside it.
  void keep() {
    if (part.empty()) return;
    struct stat about {};
    if (stat(part.c_str(), &about) || !about.st_size) {
      std::fprintf(stderr, "runner: no weights to pack, so there is no %s\n", path.c_str());
      return;
    }
    const bool asked = verify;
    verify = true;  // what is written has its checksum in any case
    std::ofstream file(part + ".stamp");
    file << stamp_of(part) << '\n';
    file.close();
    verify = asked;
    const std::string beside = path + ".stamp";
    if (!file || chmod(part.c_str(), 0444) || std::rename(part.c_str(), path.c_str()) ||
        std::rename((part + ".stamp").c_str(), beside.c_str()))
      fail("--weights-cache: " + path + " cannot be written");
    part.clear();
    unlock();
  }

  ~WeightsCache() {
    if (!part.empty()) discard();  // an attempt that failed
    unlock();
  }
};
