package import Events

/// The rules that a well-formed command may break.
///
/// A word never changes its meaning; the list grows with the decider.
package enum RejectionCode: String, CaseIterable, Sendable {
  case unknownProgram = "unknown-program"
  case programRetired = "program-retired"
  case unknownEventType = "unknown-event-type"
  case eventTypeRetired = "event-type-retired"
  /// The program lists the types that it allows, and this is none of them.
  case eventTypeNotOffered = "event-type-not-offered"
  case timeInGap = "time-in-gap"
  case timeAmbiguous = "time-ambiguous"
  /// The end isn't after the start.
  case endBeforeStart = "end-before-start"
  case unknownDispatch = "unknown-dispatch"
  case alreadyCompleted = "already-completed"
  case alreadyCancelled = "already-cancelled"
  /// What hasn't begun can't end; it can be cancelled.
  case notStarted = "not-started"
  /// What has begun keeps its start.
  case alreadyStarted = "already-started"
  /// The new end lies in the past.
  case endPassed = "end-passed"
  /// What is asked for is how it stands.
  case changesNothing = "changes-nothing"
  /// A drill can't be modified.
  case testDispatch = "test-dispatch"
  /// The dispatch hasn't come to a modification of that number.
  case unknownModification = "unknown-modification"
  /// The program has been called on as often as it may be in the season.
  case seasonCap = "season-cap"
  /// The dispatch would last longer than the program allows.
  case durationCap = "duration-cap"
  case unknownUser = "unknown-user"
  case unknownAttempt = "unknown-attempt"
  case unknownEvent = "unknown-event"
  /// Only an unknown outcome is settled.
  case outcomeKnown = "outcome-known"
  case unknownUserGroup = "unknown-user-group"
  case userGroupRetired = "user-group-retired"
  case unknownTimeZone = "unknown-time-zone"
  /// An erased id is refused for ever.
  case userErased = "user-erased"
  case unknownTemplate = "unknown-template"
  case unknownRule = "unknown-rule"
  /// A rule executes only a dispatch that waits.
  case notWaiting = "not-waiting"
  case unknownHold = "unknown-hold"
  /// A hold's id stands for it for ever.
  case holdExists = "hold-exists"
  /// No event can be recorded in the time that a hold is limited to.
  case holdsNothing = "holds-nothing"

  /// The reason that a rejection gives: which rule, which field broke it, and the rule in words.
  func reason(_ field: String?, _ message: String) -> RejectionReason {
    RejectionReason(code: word, field: field, message: message)
  }

  /// The word that events hold.
  package var word: CodeWord {
    guard let word = CodeWord(rawValue) else {
      fatalError("invariant broken: \(rawValue) is no code word")
    }
    return word
  }
}
