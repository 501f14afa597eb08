// Who of a group lives.
#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ranks {

// Says to all others that this process lives, and listens to them, on a thread and a connection of its own.
//
// Only what the system stops falls silent: a process that computes for an hour, or waits for a disk, still speaks.
class Pulse {
 public:
  Pulse(const c10::intrusive_ptr<c10d::Store> &store, int rank, int count, double patience);
  // Ends the thread where it can be ended, and leaves it behind where it waits for a process that is gone.
  ~Pulse();

  // A rank that has not been heard of for too long; -1 where all have, -2 where the table itself does not answer.
  int silent() const;
  // One that has missed a few beats, as one does that has ended.
  int quiet() const;

  static constexpr auto beat = std::chrono::milliseconds(500), tick = beat / 5;

 private:
  struct State {
    std::mutex lock;
    // Time that this process itself ran: while it is stopped it hears nobody, and takes nobody for lost.
    std::atomic<int64_t> ticks{0};
    // When each rank's number last changed, and when the table last answered.
    std::vector<int64_t> heard;
    int64_t answered = 0;
    std::atomic<bool> ends{false}, ended{false};
  };
  const std::shared_ptr<State> state_;
  const int rank_;
  const std::chrono::duration<double> patience_;
  std::thread thread_, ticker_;

  int overdue(std::chrono::duration<double> limit) const;
};

}  // namespace ranks
