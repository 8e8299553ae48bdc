// How much to draft: by what forwards cost on this machine, and how often drafts are right.
#pragma once
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <vector>

constexpr int64_t most_masks = 4;   // behind a token
constexpr int64_t most_levels = 5;  // of a draft head
constexpr int64_t most_rows = 6;    // of a forward that checks the tree of a draft head
constexpr int64_t found_counts[] = {1, 3, 7, 15};  // looked-up drafts to choose from
constexpr double share = 0.01;  // of the time, for drafts that may gain nothing
constexpr double stake = 1.2;   // forwards without drafts, for the same, when an answer begins

// Milliseconds of a forward by its number of rows.
struct Costs {
  std::map<int64_t, double> table;        // as measured
  double draft = 0;                       // of a level of a draft head, where there is one
  std::map<int64_t, double> corrections;  // rows, and a factor
  double slowness = 1;                    // of the running times against the table, for all rows

  double factor(int64_t rows) const {
    const auto found = corrections.find(rows);
    return found == corrections.end() ? 1 : found->second;
  }

  double of(int64_t rows) const {
    const auto first = table.begin(), measured = table.find(rows);
    if (measured != table.end()) return factor(rows) * measured->second;
    if (table.size() == 1) return factor(rows) * first->second;
    auto high = table.lower_bound(rows);
    if (high == first) ++high;
    if (high == table.end()) --high;
    const auto low = std::prev(high);
    const double slope = (high->second - low->second) / (high->first - low->first);
    return factor(rows) * std::max(first->second, low->second + slope * (rows - low->first));
  }

  // Correct the table by the time of a forward; one that was disturbed changes nothing.
  void note(int64_t rows, double ms) {
    const double ratio = ms / of(rows);
    if (!(ratio / slowness > 0.2 && ratio / slowness < 5)) return;
    slowness += 0.2 * (ratio - slowness);
    const double changed = factor(rows) * (0.95 + 0.05 * ratio / slowness);
    corrections[rows] = std::min(3.0, std::max(1 / 3.0, changed));
  }
};

// How often the first, second, … draft is right where those before it are.
struct Acceptance {
  std::vector<double> right{2.4, 2.0, 1.8, 1.8}, tried{4, 4, 4, 4};
  double keep = 0.96;  // weight of the past at every new draft

  // Count a forward that verified `offered` drafts and accepted the first `accepted`.
  void note(int64_t offered, int64_t accepted) {
    for (int64_t nth = 0; nth < std::min(offered, accepted + 1); ++nth) {
      if (nth == int64_t(tried.size())) {
        right.push_back(double(right.back()));
        tried.push_back(double(tried.back()));
      }
      right[nth] = keep * right[nth] + (nth < accepted);
      tried[nth] = keep * tried[nth] + 1;
    }
  }

  // The tokens to expect of a forward that verifies so many drafts.
  double tokens(int64_t drafts) const {
    double total = 1, chance = 1;
    for (int64_t nth = 0; nth < drafts; ++nth) {
      const int64_t known = std::min<int64_t>(nth, tried.size() - 1);
      chance *= right[known] / tried[known];
      total += chance;
    }
    return total;
  }
};

// What a forward drafts: masks behind every token, drafts that were looked up, levels of a head.
struct Choice {
  int64_t masks, found, levels, rows;
  double tokens, ms;  // to expect
  double risk;  // milliseconds more than without drafts, where none is right

  double rate() const { return tokens / ms; }  // tokens per millisecond
};

// Chooses what every forward of a generation drafts.
struct Controller {
  Costs& costs;
  int64_t masks, levels;  // to choose from
  Acceptance guessed{}, looked_up{};
  double saved = 0;     // milliseconds put by for the next trial
  bool trying = false;  // the masks of a trial are waiting to be verified
  Choice chosen{};      // the last one
  double spare = stake * costs.of(1);  // milliseconds that may still be lost
  double spent = 0;     // milliseconds that a head drafted for the next forward

  Choice of_masks(int64_t count) const {
    const int64_t rows = (count + 1) * (count + 1);
    const double ms = costs.of(rows);
    return {count, 0, 0, rows, guessed.tokens(count), ms, ms - costs.of(1)};
  }

  Choice of_head(int64_t count) const {
    const int64_t rows = std::min(count + 2, most_rows);
    const double drafting = count * costs.draft;  // none of the drafts need be checked
    return {0, 0, count, rows, guessed.tokens(count), costs.of(rows) + drafting, drafting};
  }

  Choice of_found(int64_t count) const {
    const double ms = costs.of(count + 1);
    return {0, count, 0, count + 1, looked_up.tokens(count), ms, ms - costs.of(1)};
  }

  // What promises most tokens per millisecond, the first of equals, of what may be lost; `found`:
  // can be looked up.
  Choice best(int64_t found) const {
    Choice best = of_masks(0);
    const auto consider = [&](const Choice& other) {
      if (other.risk <= std::max(0.0, spare) && other.rate() > best.rate()) best = other;
    };
    for (int64_t count = 1; count <= masks; ++count) consider(of_masks(count));
    for (int64_t count = 1; count <= levels; ++count) consider(of_head(count));
    std::set<int64_t> counts;
    for (int64_t count : found_counts)
      if (found) counts.insert(std::min(count, found));
    for (int64_t count : counts) consider(of_found(count));
    return best;
  }

  // The choice for the next forward, now and then a trial of drafts where none gain.
  Choice choose(int64_t found) {
    spent = 0;
    chosen = best(found);
    if (chosen.rows > 1 || !(masks || levels)) return chosen;
    const Choice plain = of_masks(0), one = masks ? of_masks(1) : of_head(1);
    const int64_t forwards = masks ? 2 : 1;  // of masks one forward drafts, the next verifies
    saved += share * plain.ms;
    const bool due = forwards * one.risk <= std::min(saved, spare);
    if (!due && !trying) return chosen;
    saved = 0;
    trying = due && forwards == 2;
    return chosen = one;
  }

  // The chance of a branch below which another level of the head is not worth its time.
  double least() const {
    constexpr double goes_on = 0.6;  // usual chance of a draft behind one that is right
    return chosen.rate() * costs.draft / goes_on;
  }

  // How many of the likeliest of a head's drafts, in so many levels, a forward should check.
  int64_t worth(std::vector<double> chances, int64_t known, int64_t drafted) {
    spent = drafted * costs.draft;
    std::sort(chances.rbegin(), chances.rend());
    double total = 1, best = 1 / (spent + costs.of(known));
    int64_t count = 0;
    for (int64_t nth = 1; nth <= int64_t(chances.size()); ++nth) {
      total += chances[nth - 1];
      const double rate = total / (spent + costs.of(known + nth));
      if (rate > best) best = rate, count = nth;
    }
    while (count && costs.of(known + count) - costs.of(1) > spare - spent) --count;
    return count;
  }

  // Learn from a forward: its time, and how many of the drafts offered it accepted.
  void note(int64_t rows, double ms, int64_t offered, int64_t accepted, bool found) {
    costs.note(rows, ms);
    (found ? looked_up : guessed).note(offered, accepted);
    const double plain = (1 + accepted) * costs.of(1);
    spare += (1 + share) * plain - spent - costs.of(rows);
  }
};
