import Bytes
import Dispatching
import Testing

@Suite("When a try is made again") struct RetryScheduleTests {
  private let now: Instant

  init() throws { now = try Instant("2026-07-01T12:00:00Z") }

  private func waits(horizon seconds: Int64?, attempt: UInt64 = 1) -> [Int64] {
    var time = now
    let horizon = seconds.map { now.adding(seconds: $0) }
    var waits: [Int64] = []
    for number in 1... {
      guard
        let next = RetrySchedule.next(
          afterTry: number, of: attempt + UInt64(number), at: time, until: horizon)
      else { return waits }
      waits.append((next.microseconds - time.microseconds) / 1_000)
      time = next
    }
    return waits
  }

  @Test("Without a deadline each wait is four times the one before, an hour at most, give or take")
  func free() {
    for attempt: UInt64 in 0..<200 {
      let waits = waits(horizon: nil, attempt: attempt * 100)
      #expect(waits.count == RetrySchedule.tries - 1)
      for (wait, nominal) in zip(waits, [15_000, 60_000, 240_000, 960_000, 3_600_000] as [Int64]) {
        #expect(abs(wait - nominal) <= nominal / 5, "\(attempt): \(waits)")
      }
    }
  }

  @Test("With a deadline no wait takes more than its share, and none ends after it")
  func deadline() {
    for seconds: Int64 in [3, 10, 60, 600, 1_800, 7_200, 86_400] {
      for attempt: UInt64 in 0..<50 {
        let waits = waits(horizon: seconds, attempt: attempt * 100)
        #expect(waits.reduce(0, +) < seconds * 1_000, "\(seconds) s: \(waits)")
        if seconds >= 60 { #expect(waits.count == RetrySchedule.tries - 1, "\(seconds): \(waits)") }
        // The last try comes in the last half of the time that there is, or after the longest waits.
        if seconds >= 60, seconds <= 7_200 {
          #expect(
            waits.reduce(0, +) > min(seconds * 500, 1_275_000 * 4 / 5), "\(seconds): \(waits)")
        }
      }
    }
    #expect(waits(horizon: 0).isEmpty && waits(horizon: -5).isEmpty && waits(horizon: 2).isEmpty)
  }

  @Test("Those that failed together don't come back together, and the same answer comes each time")
  func jitter() {
    let times = (0..<1_000 as Range<UInt64>).map { waits(horizon: nil, attempt: $0)[0] }
    #expect(Set(times).count > 500)
    #expect(times == (0..<1_000 as Range<UInt64>).map { waits(horizon: nil, attempt: $0)[0] })
  }

  @Test("A provider's own time counts where it is later, and ends the tries where it is too late")
  func retryAfter() throws {
    let late = now.adding(seconds: 300)
    #expect(
      RetrySchedule.next(afterTry: 1, of: 7, at: now, until: nil, notBefore: late) == late)
    #expect(
      RetrySchedule.next(
        afterTry: 1, of: 7, at: now, until: now.adding(seconds: 200), notBefore: late) == nil)
    let early = try #require(
      RetrySchedule.next(
        afterTry: 1, of: 7, at: now, until: nil, notBefore: now.adding(seconds: 1)))
    #expect(early > now.adding(seconds: 10))
  }
}
