package import Bytes
package import Events

/// One `user.enrolled` or `user.withdrawn`.
package struct EnrollmentChange: Hashable, Sendable {
  /// From when on it holds.
  package let at: Instant
  package let event: EventID
  package let enrolls: Bool

  package init(at: Instant, event: EventID, enrolls: Bool) {
    self.at = at
    self.event = event
    self.enrolls = enrolls
  }
}

/// A time in which a user belongs to a program: from `from` on, and before `until`.
package struct EnrollmentInterval: Hashable, Sendable {
  package var from: Instant
  /// Absent where nothing has ended it.
  package var until: Instant?
  /// The event that began it.
  package var enrolled: EventID
  /// The event that ended it.
  package var withdrawn: EventID?

  package init(
    from: Instant, until: Instant? = nil, enrolled: EventID, withdrawn: EventID? = nil
  ) {
    self.from = from
    self.until = until
    self.enrolled = enrolled
    self.withdrawn = withdrawn
  }

  package func contains(_ time: Instant) -> Bool {
    from <= time && until.map { time < $0 } ?? true
  }

  /// The intervals that the changes make, which come in the order of (`at`, `event`).
  ///
  /// At any time that change holds whose `at` is the latest not after it; of two with the same
  /// `at`, the one recorded later.
  package static func all(of changes: [EnrollmentChange]) -> [EnrollmentInterval] {
    var intervals: [EnrollmentInterval] = []
    var running: EnrollmentInterval?
    for change in changes {
      if change.enrolls {
        if running == nil { running = EnrollmentInterval(from: change.at, enrolled: change.event) }
      } else if var ended = running {
        ended.until = change.at
        ended.withdrawn = change.event
        intervals.append(ended)
        running = nil
      }
    }
    if let running { intervals.append(running) }
    return intervals
  }
}

/// The intervals in which a user belonged to one program.
package struct Enrollment: Equatable, Sendable {
  package var programID: EntityID
  /// In order of time.
  package var intervals: [EnrollmentInterval]

  package init(programID: EntityID, intervals: [EnrollmentInterval]) {
    self.programID = programID
    self.intervals = intervals
  }
}
