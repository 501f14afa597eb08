import Files
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

  /// Up in 500 steps, then half a cosine down to a fortieth.
  @Test func cosineWarmsUpAndComesDown() {
    func factor(_ iteration: Int, of total: Int = 33_000) -> Double {
      Schedule.cosine.factor(after: iteration, of: total)
    }
    #expect(factor(0) == 0.002 && factor(249) == 0.5 && factor(499) == 1 && factor(500) == 1)
    #expect(abs(factor(16_750) - (1 + 1.0 / 40) / 2) < 1e-12)
    #expect(abs(factor(8625) - (0.025 + 0.975 * 0.853_553_390_593_273_8)) < 1e-12)
    #expect(factor(32_999) > 0.025 && factor(32_999) < 0.025 + 1e-8)
    // Of a short run a twentieth, and of the shortest nothing.
    #expect(factor(0, of: 100) == 0.2 && factor(4, of: 100) == 1 && factor(5, of: 100) == 1)
    #expect(factor(0, of: 10) == 1)
    #expect(Schedule.names == ["constant", "linear", "cosine"])
  }
}
