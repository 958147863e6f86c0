package import Bytes

/// What a time zone's clocks show: the offset from UTC at each instant, past and future.
///
/// Made from the bytes of a TZif file (RFC 9636). After the last transition that the file lists,
/// its footer's rule goes on for ever; without a footer the last offset does.
package struct ZoneRules: Equatable, Sendable {
  /// Seconds since 1970 at which the offset changes, strictly ascending.
  let transitions: [Int64]
  /// `offsets[0]` holds before the first transition, `offsets[i + 1]` from transition `i` on; in
  /// seconds east of UTC.
  let offsets: [Int]
  /// What holds from the last transition on, where the file has a footer.
  let footer: PosixZone?

  init(transitions: [Int64], offsets: [Int], footer: PosixZone?) {
    invariant(offsets.count == transitions.count + 1, "each transition has an offset after it")
    self.transitions = transitions
    self.offsets = offsets
    self.footer = footer
  }

  /// UTC itself.
  package static let utc = ZoneRules(transitions: [], offsets: [0], footer: nil)

  /// A zone whose clocks always stand so many seconds east of UTC.
  package static func fixed(offsetSeconds: Int) -> ZoneRules {
    ZoneRules(transitions: [], offsets: [offsetSeconds], footer: nil)
  }

  /// Seconds east of UTC that clocks in the zone stand at `instant`.
  ///
  /// O(log n) in the number of transitions.
  package func offset(at instant: Instant) -> Int {
    offset(atSecond: floorDivide(instant.microseconds, 1_000_000).quotient)
  }

  func offset(atSecond second: Int64) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = low + (high - low) / 2
      if transitions[middle] <= second { low = middle + 1 } else { high = middle }
    }
    if low == transitions.count, let footer { return footer.offset(atSecond: second) }
    return offsets[low]
  }

  /// What a clock on the wall that shows `civil` may mean.
  package enum LocalTime: Hashable, Sendable {
    /// The one instant at which clocks showed it.
    case unique(Instant)
    /// No clock ever showed it: they were set forward over it, or the calendar doesn't have it.
    case gap
    /// Clocks showed it twice, because they were set back over it.
    case fold(first: Instant, second: Instant)
  }

  /// The instants at which clocks in the zone show `civil`.
  package func resolve(_ civil: CivilTime) -> LocalTime {
    guard civil.isValid else { return .gap }
    let wall = civil.secondsFromEpoch
    // Offsets lie within 26 hours, so whichever offset holds is one of those in force within two
    // days around. Three times that clocks show one wall time is more than any zone has done; the
    // first and the last are then named.
    var found: [Int64] = []
    for offset in candidateOffsets(around: wall) {
      let second = wall - Int64(offset)
      if self.offset(atSecond: second) == offset, !found.contains(second) { found.append(second) }
    }
    found.sort()
    guard let first = found.first, let last = found.last,
      let firstInstant = Instant(second: first), let lastInstant = Instant(second: last)
    else { return .gap }
    return first == last
      ? .unique(firstInstant) : .fold(first: firstInstant, second: lastInstant)
  }

  /// Every offset that holds at some time within two days of `second`, some perhaps twice.
  private func candidateOffsets(around second: Int64) -> [Int] {
    let span: Int64 = 2 * 86_400
    var candidates = [offset(atSecond: second - span), offset(atSecond: second + span)]
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = low + (high - low) / 2
      if transitions[middle] < second - span { low = middle + 1 } else { high = middle }
    }
    while low < transitions.count, transitions[low] <= second + span {
      candidates.append(offset(atSecond: transitions[low]))
      low += 1
    }
    if let footer { candidates += footer.offsets }
    return candidates
  }
}

extension Instant {
  /// The instant `second` seconds after 1970 began, or `nil` outside of the years 1...9999.
  init?(second: Int64) {
    let (microseconds, overflow) = second.multipliedReportingOverflow(by: 1_000_000)
    if overflow { return nil }
    self.init(microseconds: microseconds)
  }
}
