import Bytes

/// What opening a ledger found, where it wasn't clean (`FORMAT.md`, recovery).
package enum RecoveryState: String, Word {
  case torn, suspect
  case lostTail = "lost-tail"
  case corrupt
  case headLost = "head-lost"
  /// A file that was being made when the writer died, and that nothing names.
  case temporaryFile = "temporary-file"
}

/// How an operator repaired a ledger.
package enum RepairAction: String, Word {
  case acceptTail = "accept-tail"
  case fromBackup = "from-backup"
  case rebuildHead = "rebuild-head"
}

/// What a program does with an attempt whose outcome is unknown.
package enum UnknownOutcomePolicy: String, Word {
  /// Wait until somebody settles it.
  case hold
  /// Send again: at least once, perhaps twice.
  case resend
}

/// What a program does with a first notice whose deadline has passed.
package enum LateNoticePolicy: String, Word {
  case send, suppress
}

/// Why a notice is sent in quiet hours.
package enum QuietHoursPassing: String, Word {
  /// The program says so, with its reason.
  case override
  /// Their end comes later than the notice can wait.
  case deadline
}

/// Why an address can't be sent to.
package enum AddressProblem: String, Word {
  case empty, malformed
  case tooLong = "too-long"
}

/// Which command a rejection answers.
package enum RejectedCommand: String, Word {
  case request, modify, cancel, end
}

/// Who is considered when a modification's recipients are resolved.
package enum ResolutionBasis: String, Word {
  /// The users in one of the type's groups, and those enrolled in the program.
  case rules
  /// The recipients of the modification before: who was told of it is told what became of it.
  case earlierRecipients = "earlier-recipients"
  /// Both: a recipient of the modification before stays one, whatever the rules say now.
  case rulesAndEarlierRecipients = "rules-and-earlier-recipients"
}

/// Why a user who was considered is not a recipient.
package enum ExclusionReason: String, Word {
  case notInGroup = "not-in-group"
  case notEnrolled = "not-enrolled"
  case withdrawn
  case optedOut = "opted-out"
  case noAddress = "no-address"
  case invalidAddress = "invalid-address"
  case programExcludes = "program-excludes"
}

/// Why a notice is never attempted.
package enum SuppressionReason: String, Word {
  case optedOut = "opted-out"
  case noAddress = "no-address"
  case invalidAddress = "invalid-address"
  case quietHours = "quiet-hours"
  case duplicate
  case dispatchCancelled = "dispatch-cancelled"
  case deadlinePassed = "deadline-passed"
  case programExcludes = "program-excludes"
  case rateLimited = "rate-limited"
  case testMode = "test-mode"
  case earlierAcknowledgement = "earlier-acknowledgement"
  /// By a later modification.
  case superseded
  /// The user was erased before it was sent.
  case erased
  /// The key that the user's addresses are sealed under isn't at hand.
  case keyMissing = "key-missing"
}

/// Why a notice waits.
package enum DeferralReason: String, Word {
  case quietHours = "quiet-hours"
  case rateLimited = "rate-limited"
  /// An earlier try failed in a way that may pass.
  case retry
}

/// What a notice tells.
package enum NoticeKind: String, Word, Comparable {
  case standby, start, update, extend, cancel, end
}

/// What became of an attempt; an unknown outcome is an event of its own.
package enum OutcomeClass: String, Word {
  /// The provider took it.
  case accepted
  case inTransit = "in-transit"
  case delivered
  /// The provider gave up on a message that it had taken.
  case undelivered
  /// It was refused.
  case failed
  case expired
  case cancelled
}

/// How an attempt's result was lost.
package enum UnknownReason: String, Word {
  /// The sender died between the attempt and its result.
  case crash
  /// No answer came after the bytes had left.
  case timeout
}

/// What was decided about an unknown outcome.
package enum Settlement: String, Word {
  case resend, delivered, abandon
}

/// A participant's answer to a call.
package enum OptAnswer: String, Word {
  case optIn = "in"
  case optOut = "out"
}

/// What is unusual about an acknowledgement; it is kept all the same.
package enum AcknowledgementMark: String, Word, Comparable {
  /// After the dispatch had ended.
  case late
  /// Before any notice of that modification had been attempted.
  case early
  case duplicate
  /// From a user who isn't a recipient.
  case stranger
  case oldModification = "old-modification"
}

/// What a comparison in a condition came to.
package enum ComparisonResult: String, Word {
  case holds = "true"
  case fails = "false"
  /// No observation, a stale one, or one in another unit: neither true nor false.
  case noData = "no-data"
}

/// How strong the proof is that a notice arrived; weaker evidence never lowers a stronger one.
package enum EvidenceStrength: Int, FieldValue, Comparable, CaseIterable {
  case none = 0
  /// The provider took the message.
  case acceptedByProvider = 1
  /// It was handed to the carrier, or to the next server.
  case handedOver = 2
  /// The carrier confirmed it.
  case confirmedByCarrier = 3
  /// A person acknowledged it.
  case acknowledged = 4
  /// A person answered the call.
  case answered = 5

  package init(from reader: inout ObjectReader) throws(EventError) {
    guard let value = EvidenceStrength(rawValue: try Int(from: &reader)) else {
      throw .badValue(.integer(from: 0, through: 5))
    }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { rawValue.append(to: &bytes) }

  package static func < (one: EvidenceStrength, other: EvidenceStrength) -> Bool {
    one.rawValue < other.rawValue
  }
}

extension Word where Self: Comparable {
  /// In the order of the list.
  package static func < (one: Self, other: Self) -> Bool {
    let words = Array(allCases)
    guard let left = words.firstIndex(of: one), let right = words.firstIndex(of: other) else {
      return false
    }
    return left < right
  }
}
