/// What stands at a log's end, and what opening it for writing may do (`FORMAT.md` §6.3).
package enum RecoveryState: String, CaseIterable, Hashable, Sendable {
  /// Durable bytes don't verify. Nothing is ever cut.
  case corrupt
  /// The log ends well, but before events that were durable.
  case lostTail = "lost-tail"
  /// Neither slot of `head` is valid.
  case headLost = "head-lost"
  /// Bytes that nobody was told of, and that a crash alone doesn't leave.
  case suspect
  /// A crash cut or tore what nobody had been told was durable.
  case torn
  case clean

  /// The table of `FORMAT.md` §6.3.
  ///
  /// - Parameters:
  ///   - isBroken: Whether there is damage other than `event`, `surplus`, and `missing` at the end.
  ///   - isShort: Whether the log ends before the durable mark.
  package init(isBroken: Bool, isShort: Bool, hasSlot: Bool, tail: TailKind) {
    if isBroken {
      self = .corrupt
    } else if isShort {
      self = .lostTail
    } else if !hasSlot {
      self = .headLost
    } else {
      self =
        switch tail {
        case .fill: .clean
        case .explained: .torn
        case .unexplained: .suspect
        }
    }
  }
}

/// Where a log's valid part ends, and what is known of what should be there.
package struct LogEnd: Hashable, Sendable {
  package let state: RecoveryState
  /// How many events come before the first thing that isn't valid, and where that stands.
  package let valid: LogPosition
  /// The durable mark: at least so many events were durable once.
  package let mark: UInt64
  /// Bytes of the last segment.
  package let fileLength: UInt64
  /// Whether a valid slot of `head` tells of another log than this one.
  package let isHeadAtOdds: Bool

  package init(
    state: RecoveryState, valid: LogPosition, mark: UInt64, fileLength: UInt64,
    isHeadAtOdds: Bool = false
  ) {
    self.state = state
    self.valid = valid
    self.mark = mark
    self.fileLength = fileLength
    self.isHeadAtOdds = isHeadAtOdds
  }
}
