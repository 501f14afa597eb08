// The sign of life of each process of a group, by which one that is stopped is told from one that is slow.
#include "pulse.h"

#include <string>

namespace ranks {

static std::string key(int rank) { return "alive/" + std::to_string(rank); }

Pulse::Pulse(const c10::intrusive_ptr<c10d::Store> &store, int rank, int count, double patience)
    : state_(std::make_shared<State>()), rank_(rank), patience_(patience) {
  state_->heard.assign(count, 0);
  // A connection, which may be refused: no thread is to run then.
  const auto own = store->clone();
  thread_ = std::thread([state = state_, own, rank, count] {
    std::vector<std::string> last(count);
    try {
      for (uint64_t number = 1; !state->ends; ++number) {
        own->set(key(rank), std::to_string(number));
        for (int other = 0; other < count && !state->ends; ++other) {
          if (other == rank) continue;
          // The table answers, even where it knows nothing of a rank that has never spoken.
          const bool has_spoken = own->check({key(other)});
          const auto value = has_spoken ? own->get_to_str(key(other)) : std::string();
          std::lock_guard guard(state->lock);
          state->answered = state->ticks;
          if (value == last[other]) continue;
          last[other] = value;
          state->heard[other] = state->ticks;
        }
        std::this_thread::sleep_for(beat);
      }
    } catch (...) {
      // The table is gone, and it shows by its silence.
    }
    state->ended = true;
  });
  try {
    ticker_ = std::thread([state = state_] {
      while (!state->ends) {
        std::this_thread::sleep_for(tick);
        ++state->ticks;
      }
    });
  } catch (...) {
    state_->ends = true;
    thread_.join();
    throw;
  }
}

Pulse::~Pulse() {
  state_->ends = true;
  ticker_.join();
  for (int tries = 0; tries < 20 && !state_->ended; ++tries) std::this_thread::sleep_for(beat / 10);
  if (state_->ended) thread_.join(); else thread_.detach();
}

int Pulse::overdue(std::chrono::duration<double> limit) const {
  std::lock_guard guard(state_->lock);
  const auto now = state_->ticks.load();
  const auto most = static_cast<int64_t>(limit / std::chrono::duration<double>(tick));
  // Where the table is silent nobody is heard.
  if (now - state_->answered > most) return -2;
  for (int other = 0; other < static_cast<int>(state_->heard.size()); ++other) {
    if (other != rank_ && now - state_->heard[other] > most) return other;
  }
  return -1;
}

int Pulse::silent() const { return overdue(patience_); }
int Pulse::quiet() const { return overdue(beat * 4); }

}  // namespace ranks
