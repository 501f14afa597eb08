import Testing
import Training

struct ScheduleTests {
  @Test func constantStays() {
    for iteration in [0, 1, 50, 99] { #expect(Schedule.constant.factor(after: iteration, of: 100) == 1) }
  }

  /// Full until half of the run is done, then down by equal steps to one step above 0.
  @Test func linearFallsInTheSecondHalf() {
    #expect(Schedule.linear.factor(after: 0, of: 100) == 1)
    #expect(Schedule.linear.factor(after: 50, of: 100) == 1)
    #expect(Schedule.linear.factor(after: 75, of: 100) == 0.5)
    #expect(Schedule.linear.factor(after: 99, of: 100) == 0.02)
  }
}
