package import Bytes
package import Events

/// What decisions look up in the ledger as it stands.
///
/// Two implementations must answer alike: ``MemoryState``, and the views. "By id" is by the bytes
/// of ids, ascending. Nothing here depends on a clock: times are asked for.
package protocol LedgerState {
  /// Why a look-up can fail; `Never` in memory.
  associatedtype Failure: Error

  /// The program as it was last defined, retired or not; `nil` where it never was.
  func program(_ id: EntityID) throws(Failure) -> Defined<ProgramDefined>?
  /// The market event type, likewise.
  func marketEventType(_ id: EntityID) throws(Failure) -> Defined<MarketEventTypeDefined>?
  /// The user group, likewise.
  func userGroup(_ id: EntityID) throws(Failure) -> Defined<UserGroupDefined>?

  /// The user, an erased one too; `nil` where nobody ever had the id.
  func user(_ id: EntityID) throws(Failure) -> User?
  /// How many users there are, without the erased ones.
  func userCount() throws(Failure) -> Int
  /// Users in one of `groups`, and those enrolled in `program` at `time`; by id, none erased.
  func considered(
    groups: [EntityID], program: EntityID, at time: Instant
  ) throws(Failure) -> [ConsideredUser]

  /// The dispatch with all its modifications; `nil` where no such request was accepted.
  func dispatch(_ id: EntityID) throws(Failure) -> Dispatch?
  /// How many dispatches of a program begin, as last said, in `range`: no drills, none that is
  /// cancelled, and not `other`.
  func dispatchCount(
    of program: EntityID, starting range: Range<Instant>, except other: EntityID?
  ) throws(Failure) -> Int
  /// Resolutions of which a chunk is recorded, but not the last one; in the order of the log.
  func unfinishedResolutions() throws(Failure) -> [ResolutionProgress]

  /// The notices of one modification, one a recipient, by user.
  func notices(of dispatch: EntityID, modification: Int) throws(Failure) -> [Notice]
  /// One notice, or `nil` where the user is no recipient of the modification.
  func notice(_ key: NoticeKey) throws(Failure) -> Notice?
  /// The pending notices that are due at `time`, the longest due first, then by dispatch,
  /// modification and user; at most `limit`.
  func dueNotices(at time: Instant, limit: Int) throws(Failure) -> [Notice]
  /// Those of them whose next attempt is on `channel`.
  func dueNotices(
    at time: Instant, on channel: ChannelCode, limit: Int
  ) throws(Failure) -> [Notice]
  /// The notices of modifications before `modification` that are still pending, by modification and
  /// user.
  func pendingNotices(
    of dispatch: EntityID, before modification: Int
  ) throws(Failure) -> [Notice]

  /// The attempt that this event recorded, or `nil`.
  func attempt(_ event: EventID) throws(Failure) -> Attempt?
  /// The attempts of one notice, in the order of the log.
  func attempts(of notice: NoticeKey) throws(Failure) -> [Attempt]
  /// The attempts whose message a provider gave this id to first, in the order of the log; at most
  /// two, for one is meant only where there is no other.
  func attempts(withProviderID id: String) throws(Failure) -> [EventID]
  /// Results with this provider's id that no attempt has taken yet, in the order of the log.
  func unmatchedResults(of providerID: String) throws(Failure) -> [UnmatchedResult]
  /// What a user has answered to a modification, a stranger too, in the order of the log.
  func answers(of notice: NoticeKey) throws(Failure) -> [Answer]
  /// The attempts that nothing came back for, in the order of the log; at most `limit`.
  func openAttempts(limit: Int) throws(Failure) -> [Attempt]

  /// The dispatches whose last modification, no cancellation or end, has been attempted and not been
  /// escalated, and that begin after `time`; by start and id.
  func silentCalls(startingAfter time: Instant) throws(Failure) -> [SilentCall]
  /// How many users have answered a modification that they have a notice of; counted to `limit`.
  func answerCount(
    of dispatch: EntityID, modification: Int, limit: Int
  ) throws(Failure) -> Int
  /// The users in a group, by id.
  func members(of group: EntityID) throws(Failure) -> [EntityID]

  /// The legal hold of this id, released or not; `nil` where none was ever placed.
  func hold(_ id: EntityID) throws(Failure) -> StandingHold?
  /// The template as it was last published, withdrawn (`retired`) or not; `nil` where it never was.
  func template(_ id: EntityID) throws(Failure) -> Defined<TemplatePublished>?
  /// All templates, the withdrawn ones too, by id.
  func templates() throws(Failure) -> [Defined<TemplatePublished>]
  /// The rule as it was last published, withdrawn or not; `nil` where it never was.
  func rule(_ id: EntityID) throws(Failure) -> StandingRule?
  /// All rules, the withdrawn ones too, by id.
  func rules() throws(Failure) -> [StandingRule]
  /// What became of the times at which a rule was to fire, of all its versions, in the order of the
  /// log.
  func firings(of rule: EntityID) throws(Failure) -> [Firing]
  /// What a dispatch waits or waited for; `nil` where it never did.
  func schedule(of dispatch: EntityID) throws(Failure) -> Schedule?
  /// Those that neither fired nor were missed, in the order of the log.
  func waitingSchedules() throws(Failure) -> [Schedule]
  /// The observation of a signal that counts at `time`, then those that count from a later time on,
  /// by that time and their events; of these the last `limit`.
  func observations(
    of signal: EntityID, from time: Instant, limit: Int
  ) throws(Failure) -> [Observation]
}

/// One thing of the catalogue as it stands.
package struct Defined<Definition: Record>: Equatable, Sendable {
  /// The event that defined it so.
  package var version: EventID
  /// The event that retired it since, where one did.
  package var retired: EventID?
  package var definition: Definition

  package init(version: EventID, retired: EventID? = nil, definition: Definition) {
    self.version = version
    self.retired = retired
    self.definition = definition
  }
}

/// A user as it stands.
package struct User: Equatable, Sendable {
  package var id: EntityID
  /// The event that defined it so.
  package var version: EventID
  /// The event that erased it, where one did.
  package var erased: EventID?
  /// Absent once it is erased; then the lists are empty too.
  package var definition: UserDefined?
  /// Every program that the user ever belonged to, by id.
  package var enrollments: [Enrollment]
  /// What the user refuses, those of all programs and all channels first, then by program and
  /// channel.
  package var optOuts: [OptOutScope]

  package init(
    id: EntityID, version: EventID, erased: EventID? = nil, definition: UserDefined?,
    enrollments: [Enrollment] = [], optOuts: [OptOutScope] = []
  ) {
    self.id = id
    self.version = version
    self.erased = erased
    self.definition = definition
    self.enrollments = enrollments
    self.optOuts = optOuts
  }

  /// Whether the user belongs to `program` at `time`.
  package func isEnrolled(in program: EntityID, at time: Instant) -> Bool {
    enrollments.contains { enrollment in
      enrollment.programID == program && enrollment.intervals.contains { $0.contains(time) }
    }
  }
}

/// A user whom a resolution considers, with all that it is decided from.
package struct ConsideredUser: Equatable, Sendable {
  /// The `user.defined` that holds.
  package var version: EventID
  package var definition: UserDefined
  /// When the user belonged to the program, in order.
  package var enrollments: [EnrollmentInterval]
  /// What the user refuses, of all programs and channels.
  package var optOuts: [OptOutScope]

  package init(
    version: EventID, definition: UserDefined, enrollments: [EnrollmentInterval],
    optOuts: [OptOutScope]
  ) {
    self.version = version
    self.definition = definition
    self.enrollments = enrollments
    self.optOuts = optOuts
  }
}

/// How far the resolution of a modification has come.
package struct ResolutionProgress: Hashable, Sendable {
  package var dispatchID: EntityID
  package var modification: Int
  /// Chunks recorded; so also the number of the next one.
  package var chunks: Int

  package init(dispatchID: EntityID, modification: Int, chunks: Int) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.chunks = chunks
  }
}

/// The notice to one recipient of one modification.
package struct Notice: Hashable, Sendable {
  package var key: NoticeKey
  /// In order of preference.
  package var channels: [ChannelCode]
  package var standing: NoticeStanding

  package init(key: NoticeKey, channels: [ChannelCode], standing: NoticeStanding) {
    self.key = key
    self.channels = channels
    self.standing = standing
  }
}

/// One try to tell one user on one channel, and what came of it.
package struct Attempt: Hashable, Sendable {
  /// The `notification.attempted`, whose id is the attempt's.
  package var event: EventID
  package var notice: NoticeKey
  package var channel: ChannelCode
  /// Which try it is for this notice and channel, from 1.
  package var number: Int
  package var kind: NoticeKind
  package var standing: AttemptStanding

  package init(
    event: EventID, notice: NoticeKey, channel: ChannelCode, number: Int, kind: NoticeKind,
    standing: AttemptStanding
  ) {
    self.event = event
    self.notice = notice
    self.channel = channel
    self.number = number
    self.kind = kind
    self.standing = standing
  }
}

/// What a user has answered to one modification of a dispatch.
package struct Answer: Hashable, Sendable {
  /// The `acknowledgement.recorded`.
  package var event: EventID
  /// Absent: only that the notice was seen.
  package var opt: OptAnswer?
  /// When the answer was given.
  package var at: Instant

  package init(event: EventID, opt: OptAnswer?, at: Instant) {
    self.event = event
    self.opt = opt
    self.at = at
  }
}

/// A modification that answers may be waited for.
package struct SilentCall: Hashable, Sendable {
  package var dispatchID: EntityID
  package var modification: Int
  /// Its first attempt.
  package var attempt: EventID
  /// When that was recorded.
  package var since: Instant

  package init(dispatchID: EntityID, modification: Int, attempt: EventID, since: Instant) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.attempt = attempt
    self.since = since
  }
}

/// A result from outside that fits no attempt yet.
package struct UnmatchedResult: Equatable, Sendable {
  /// The `delivery.unmatched`.
  package var event: EventID
  package var recorded: DeliveryUnmatched

  package init(event: EventID, recorded: DeliveryUnmatched) {
    self.event = event
    self.recorded = recorded
  }
}
